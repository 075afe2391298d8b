#include "net/http_head.h"

#include <ctype.h>
#include <curl/curl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "net/retry.h"

void e5_http_head_init(struct e5_http_head *head) {
    *head = (struct e5_http_head){.length = -1, .range_start = -1, .range_total = -1};
}

/* Decimal digits only, and not too many to fit. */
static const char *read_number(const char *text, int64_t *out) {
    const char *end = text;
    while (isdigit((unsigned char)*end)) end++;
    *out = end > text && end - text <= 18 ? strtoll(text, NULL, 10) : -1;
    return end;
}

/* "bytes 100-199/4000", or "bytes * /4000" (without the blank) with status 416. */
static void read_range(struct e5_http_head *head, const char *text) {
    int64_t last;
    if (strncasecmp(text, "bytes ", 6) != 0) return;
    text += 6;
    if (*text == '*') {
        text++;
    } else {
        text = read_number(text, &head->range_start);
        if (*text++ != '-') return;
        text = read_number(text, &last);
    }
    if (*text == '/') read_number(text + 1, &head->range_total);
}

static void set(struct e5_http_head *head, const char *name, const char *value, double wall_now) {
    if (strcasecmp(name, "content-type") == 0)
        e5_text_copy(head->type, sizeof head->type, value);
    else if (strcasecmp(name, "content-encoding") == 0)
        e5_text_copy(head->encoding, sizeof head->encoding, value);
    else if (strcasecmp(name, "content-length") == 0)
        read_number(value, &head->length);
    else if (strcasecmp(name, "content-range") == 0)
        read_range(head, value);
    else if (strcasecmp(name, "location") == 0)
        e5_text_copy(head->location, sizeof head->location, value);
    else if (strcasecmp(name, "retry-after") == 0)
        head->retry_after = e5_retry_after(value, wall_now);
    else if (strcasecmp(name, "date") == 0)
        head->date = fmax((double)curl_getdate(value, NULL), 0);
    else if (strcasecmp(name, "etag") == 0 && !e5_text_copy(head->etag, sizeof head->etag, value))
        head->etag[0] = '\0'; /* half a tag is none */
}

void e5_http_head_line(struct e5_http_head *head, const char *line, size_t size, double wall_now) {
    char text[2048];
    while (size > 0 && isspace((unsigned char)line[size - 1])) size--;
    if (size >= sizeof text) return; /* none of the fields read here is that long */
    memcpy(text, line, size);
    text[size] = '\0';
    if (strncasecmp(text, "HTTP/", 5) == 0) {
        const char *number = strchr(text, ' ');
        e5_http_head_init(head);
        head->status = number != NULL ? atoi(number + 1) : 0;
        return;
    }
    char *value = strchr(text, ':');
    if (value == NULL) return;
    *value++ = '\0';
    while (isspace((unsigned char)*value)) value++;
    e5_text_clean(value);
    set(head, text, value, wall_now);
}

bool e5_http_head_redirects(const struct e5_http_head *head) {
    int status = head->status;
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}
