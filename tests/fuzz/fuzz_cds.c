/* Replies of the service.  The first byte chooses the reader, the second the HTTP status; the rest is the body. */
#include "fuzz.h"
#include "net/cds.h"

#define SERVICE "https://cds.example.org/api"
#define ID "6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21"

static void look_at(const struct e5_cds_news *news) {
    MUST(news->job_id[0] == '\0' || e5_cds_good_id(news->job_id));
    MUST(fuzz_is_clean(news->status) && fuzz_is_clean(news->error.what) && fuzz_is_clean(news->error.hint));
    if (news->event != E5_EVENT_LOCATED) return;
    MUST(news->asset.size >= -1 && news->asset.href[0] != '\0');
    MUST(fuzz_is_clean(news->asset.media_type) && fuzz_is_clean(news->asset.checksum));
}

static void read_page(int status, const char *body, size_t size) {
    struct e5_cds_news news;
    char cursor[E5_CDS_CURSOR_SIZE];
    json_t *jobs = e5_cds_read_page(status, body, size, cursor, &news);
    if (jobs == NULL) {
        MUST(news.error.status != E5_OK);
        look_at(&news);
    }
    const json_t *list = json_is_array(jobs) ? jobs : json_object_get(jobs, "jobs");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (e5_cds_read_entry(json_array_get(list, i), SERVICE, &news)) look_at(&news);
    json_decref(jobs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 201, 202, 204, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504};
    struct e5_cds_news news;
    if (size < 2) return 0;
    int status = statuses[data[1] % 16];
    size_t length = size - 2;
    char *body = fuzz_bytes(data + 2, length), *text = fuzz_text(data + 2, length);
    switch (data[0] % 5) {
    case 0:
        e5_cds_read_submitted(status, body, length, text, SERVICE, "d", &news);
        look_at(&news);
        MUST(news.event != E5_EVENT_CREATED || e5_cds_good_id(news.job_id));
        break;
    case 1:
        e5_cds_read_status(status, body, length, &news);
        look_at(&news);
        break;
    case 2:
        e5_cds_read_results(status, body, length, SERVICE "/retrieve/v1/jobs/" ID "/results", &news);
        look_at(&news);
        break;
    case 3: read_page(status, body, length); break;
    default: {
        bool is_told;
        json_t *inputs = json_pack("{s:s}", "variable", "2m_temperature");
        e5_cds_same_request(body, length, inputs, &is_told);
        json_decref(inputs);
    }
    }
    free(body);
    free(text);
    return 0;
}
