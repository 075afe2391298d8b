/* An empty libicudata: the table of contents of ICU's data, with nothing in it.
 *
 * libxml2 asks ICU for rare encodings only, and netCDF asks libxml2 for the XML of remote datasets only, which era5fast
 * never reads.  The full data are 31 MB, more than all other libraries of a wheel together.  With these ICU
 * answers "no such encoding" and everything else works.  SYMBOL is set by make.py: icudt72_dat for ICU 72. */
#include <stdint.h>

struct contents {
    uint16_t header_bytes;
    uint8_t magic[2];
    uint16_t info_bytes, reserved;
    uint8_t big_endian, charset, char_bytes, reserved_byte;
    uint8_t format[4], format_version[4], data_version[4];
    uint8_t fill_header[8];
    uint32_t items;
    uint32_t fill[5];
};

__attribute__((visibility("default"), aligned(16))) const struct contents SYMBOL = {
    .header_bytes = 32,
    .magic = {0xda, 0x27},
    .info_bytes = 20,
    .big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
    .char_bytes = 2,
    .format = {'T', 'o', 'C', 'P'},
    .format_version = {1},
};
