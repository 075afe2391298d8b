/* asset: where a job's result lies, and what the service says about it.
 *
 * Plain data, owned by whoever holds it. */
#ifndef E5_NET_ASSET_H
#define E5_NET_ASSET_H

#include <stdint.h>

#include "net/checksum.h"
#include "net/url.h"

#define E5_CDS_ID_SIZE 64
#define E5_ASSET_MOST ((int64_t)1 << 50) /* bytes; a declared size beyond a petabyte is nonsense */

struct e5_cds_asset {
    int64_t size;                    /* −1: not declared */
    char checksum[E5_CHECKSUM_SIZE]; /* 32 digits, or "" */
    char media_type[80];
    char href[E5_URL_SIZE];          /* last: see e5_cds_asset_trim() */
};

/* Give back the memory behind the end of a heap asset's address: it may be read, not copied as a whole, afterwards.
 */
struct e5_cds_asset *e5_cds_asset_trim(struct e5_cds_asset *asset);

#endif
