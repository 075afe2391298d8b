#include "io/h5_attribute.h"

#include <string.h>

/* --- looking at single ones --- */

const struct e5_h5_attr *e5_h5_attribute(const struct e5_h5_object *object, const char *name) {
    for (size_t i = 0; i < object->attrs; i++)
        if (strcmp(object->attr[i].name, name) == 0) return &object->attr[i];
    return NULL;
}

bool e5_h5_attribute_begins(const struct e5_h5_attr *attr, const char *text) {
    size_t size = strlen(text);
    return attr != NULL && attr->type.class == E5_H5_TEXT && attr->count == 1 && attr->type.size >= size &&
           memcmp(attr->bytes, text, size) == 0;
}

bool e5_h5_number_type(const struct e5_h5_type *type, enum e5_dtype *out) {
    static const enum e5_dtype integers[9][2] = {
        [1] = {E5_U8, E5_I8}, [2] = {E5_U16, E5_I16}, [4] = {E5_U32, E5_I32}, [8] = {E5_U64, E5_I64}};
    bool whole = type->class == E5_H5_INTEGER;
    bool width = type->size == 4 || type->size == 8 || (whole && (type->size == 1 || type->size == 2));
    if (!type->standard || !width || (!whole && type->class != E5_H5_FLOAT)) return false;
    *out = whole ? integers[type->size][type->is_signed] : type->size == 4 ? E5_F32 : E5_F64;
    return true;
}

int64_t e5_h5_attribute_integer(const struct e5_h5_attr *attr, size_t i) {
    const uint8_t *at = attr->bytes + i * attr->type.size;
    size_t size = attr->type.size;
    bool negative = attr->type.is_signed && (at[attr->type.big_endian ? 0 : size - 1] & 0x80) != 0;
    uint64_t value = negative ? UINT64_MAX : 0;
    for (size_t k = 0; k < size; k++) value = value << 8 | at[attr->type.big_endian ? k : size - 1 - k];
    return (int64_t)value;
}

/* --- into the tables --- */

enum visibility { SHOWN, HIDDEN, UNCLEAR };

/* Names that netcdf-c keeps to itself; those of zarr only in some of its versions. */
static enum visibility visibility(const char *name) {
    static const char *const hidden[] = {
        "CLASS",         "DIMENSION_LIST",      "NAME",          "REFERENCE_LIST", "_Format",           "_IsNetcdf4",
        "_NCProperties", "_Netcdf4Coordinates", "_Netcdf4Dimid", "_nc3_strict",    "_SuperblockVersion"};
    static const char *const unclear[] = {"_ARRAY_DIMENSIONS", "_Codecs", "_NCZARR", "_nczarr"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strcmp(name, hidden[i]) == 0) return HIDDEN;
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++)
        if (strncmp(name, unclear[i], strlen(unclear[i])) == 0) return UNCLEAR;
    return SHOWN;
}

static enum e5_status read_strings(struct e5_tables *t, struct e5_h5 *h5, const struct e5_h5_attr *from,
                                   struct e5_ncattr *to) {
    struct e5_buffer list = e5_tables_string_list();
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < from->count && status == E5_OK; i++) {
        const uint8_t *bytes = from->bytes + i * from->type.size;
        size_t length = from->type.size;
        if (from->type.class == E5_H5_VARIABLE_TEXT) status = e5_h5_heap_get(h5, bytes, 1, &bytes, &length, t->err);
        if (status == E5_OK && length > 0)
            status = e5_buffer_append(&list, bytes, strnlen((const char *)bytes, length), t->err);
        if (status == E5_OK) status = e5_buffer_append(&list, "", 1, t->err);
    }
    if (status == E5_OK) status = e5_tables_set_strings(t, to, &list);
    e5_buffer_fini(&list);
    return status;
}

static enum e5_status read_attr(struct e5_tables *t, struct e5_h5 *h5, const struct e5_h5_attr *from,
                                struct e5_ncattr *to, const char **why) {
    enum e5_dtype dtype = E5_U8;
    bool number = e5_h5_number_type(&from->type, &dtype);
    bool text = from->type.class == E5_H5_TEXT, variable = from->type.class == E5_H5_VARIABLE_TEXT;
    bool characters = text && from->space.ndim == 0; /* several texts of fixed length are strings */
    if (!number && !text && !variable) *why = "an attribute is of an unusual type";
    if (number && from->space.ndim > 1) *why = "an attribute has several dimensions";
    if (*why != NULL) return E5_OK;
    size_t count = characters ? from->count * from->type.size : from->count;
    enum e5_status status = e5_tables_set_attr(t, to, from->name, count);
    if (status != E5_OK) return status;
    if (characters) return e5_tables_set_characters(t, to, from->bytes);
    if (!number) return read_strings(t, h5, from, to);
    bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return e5_tables_set_numbers(t, to, dtype, from->bytes, from->type.size > 1 && from->type.big_endian != big);
}

enum e5_status e5_h5_attributes(struct e5_tables *t, struct e5_h5 *h5, const struct e5_h5_object *object,
                                struct e5_ncattr **out, size_t *out_count, const char **why) {
    size_t count = 0;
    for (size_t i = 0; i < object->attrs; i++) {
        enum visibility seen = visibility(object->attr[i].name);
        count += seen == SHOWN;
        if (seen == UNCLEAR) *why = "an attribute has a name of zarr's";
    }
    enum e5_status status = e5_tables_room_attrs(t, count, out);
    for (size_t i = 0; i < object->attrs && status == E5_OK && *why == NULL; i++) {
        if (visibility(object->attr[i].name) != SHOWN) continue;
        struct e5_ncattr *to = &(*out)[*out_count];
        *out_count += 1;
        status = read_attr(t, h5, &object->attr[i], to, why);
    }
    return status;
}
