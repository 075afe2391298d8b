#include "net/token.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define LONGEST 256
#define SHORTEST_MASKED 4 /* shorter ones would be found in any text */
#define LINE_SIZE 320

struct e5_token {
    char line[LINE_SIZE];
};

static enum e5_status check(const char *key, struct e5_error *err) {
    for (const char *p = key; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return e5_fail(err, E5_CONFIG, "the token contains blanks, control or non-ASCII characters");
    if (key[0] == '\0' || strlen(key) > LONGEST) return e5_fail(err, E5_CONFIG, "the token is empty or too long");
    return E5_OK;
}

enum e5_status e5_token_new(const char *key, struct e5_token **out, struct e5_error *err) {
    *out = NULL;
    enum e5_status status = check(key, err);
    if (status != E5_OK) return status;
    void *page = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return e5_fail(err, E5_MEMORY, "cannot keep the token");
#ifdef MADV_DONTDUMP
    madvise(page, sizeof **out, MADV_DONTDUMP); /* where it cannot be done, it is as before */
#endif
    *out = page;
    snprintf((*out)->line, sizeof(*out)->line, "PRIVATE-TOKEN: %s", key);
    return E5_OK;
}

void e5_token_free(struct e5_token *token) {
    if (token == NULL) return;
    explicit_bzero(token, sizeof *token);
    munmap(token, sizeof *token);
}

char *e5_token_line(struct e5_token *token) { return token->line; }

void e5_token_mask(const char *key, char *text) {
    size_t length = key != NULL ? strlen(key) : 0;
    if (length < SHORTEST_MASKED) return;
    for (char *found = strstr(text, key); found != NULL; found = strstr(found + 3, key)) {
        memcpy(found, "***", 3);
        memmove(found + 3, found + length, strlen(found + length) + 1);
    }
}
