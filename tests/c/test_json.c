#include "net/json.h"

#include <stdlib.h>

#include "check.h"

static enum e5_status parse(const char *text) {
    json_t *tree = NULL;
    enum e5_status status = e5_json_parse(text, strlen(text), E5_SERVER, &tree, NULL);
    CHECK((tree != NULL) == (status == E5_OK));
    json_decref(tree);
    return status;
}

TEST(good_text_is_read) {
    CHECK(parse("{\"a\": [1, 2.5, \"}]\\\"\", null, true]}") == E5_OK);
    CHECK(parse(" 3 ") == E5_OK);
}

TEST(bad_text_is_refused) {
    static const char *const bad[] = {
        "",           "{",       "{\"a\":1}}",    "{\"a\":1,\"a\":2}",      "[NaN]",  "[1e999]",
        "[Infinity]", "{'a':1}", "[\"\\u0000\"]", "[99999999999999999999]", "<html>", "[1,]"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) CHECK(parse(bad[i]) == E5_SERVER);
}

TEST(depth_has_a_limit) {
    char text[400] = "";
    for (int i = 0; i < 64; i++) strcat(text, "[");
    for (int i = 0; i < 64; i++) strcat(text, "]");
    CHECK(parse(text) == E5_OK);
    memmove(text + 1, text, strlen(text) + 1);
    strcat(text, "]");
    CHECK(parse(text) == E5_SERVER);
}

TEST(size_has_a_limit) {
    size_t size = E5_JSON_CEILING + 1;
    char *text = malloc(size + 1);
    json_t *tree;
    memset(text, ' ', size);
    text[0] = '1';
    CHECK_STATUS(E5_SERVER, e5_json_parse(text, size, E5_SERVER, &tree, err));
    CHECK_OK(e5_json_parse(text, size - 1, E5_SERVER, &tree, err));
    json_decref(tree);
    free(text);
}

TEST(equal_trees_have_one_text) {
    static const char *const texts[] = {"{\"b\": [1, 2], \"a\": \"x\"}", "{ \"a\":\"x\",\n\"b\":[1,2] }"};
    char *out[2];
    for (int i = 0; i < 2; i++) {
        json_t *tree;
        CHECK_OK(e5_json_parse(texts[i], strlen(texts[i]), E5_INPUT, &tree, err));
        CHECK_OK(e5_json_canonical(tree, &out[i], err));
        json_decref(tree);
    }
    CHECK(strcmp(out[0], out[1]) == 0 && strcmp(out[0], "{\"a\":\"x\",\"b\":[1,2]}") == 0);
    free(out[0]);
    free(out[1]);
}

TEST(members_may_be_missing) {
    json_t *tree = json_pack("{s:s, s:i, s:{}}", "text", "x", "number", 1, "object");
    CHECK(strcmp(e5_json_text(tree, "text"), "x") == 0);
    CHECK(e5_json_text(tree, "number")[0] == '\0' && e5_json_text(NULL, "text")[0] == '\0');
    CHECK(e5_json_object(tree, "object") != NULL && e5_json_object(tree, "text") == NULL);
    json_decref(tree);
}

int main(void) {
    RUN(good_text_is_read);
    RUN(bad_text_is_refused);
    RUN(depth_has_a_limit);
    RUN(size_has_a_limit);
    RUN(equal_trees_have_one_text);
    RUN(members_may_be_missing);
    return check_summary();
}
