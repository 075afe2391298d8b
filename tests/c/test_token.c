#include "net/token.h"

#include "check.h"

TEST(the_line_is_ready_to_send) {
    struct e5_token *token;
    CHECK_OK(e5_token_new("secret-key", &token, err));
    CHECK(strcmp(e5_token_line(token), "PRIVATE-TOKEN: secret-key") == 0);
    e5_token_free(token);
    e5_token_free(NULL);
}

/* The kernel lists every mapping with its flags: "dd" is "do not dump". */
TEST(core_dumps_leave_it_out) {
    struct e5_token *token;
    char line[512];
    bool here = false, left_out = false;
    CHECK_OK(e5_token_new("secret-key", &token, err));
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to, at = (unsigned long)(void *)e5_token_line(token);
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) here = from <= at && at < to;
        if (here && strncmp(line, "VmFlags:", 8) == 0) left_out = strstr(line, " dd") != NULL;
    }
    CHECK(maps == NULL || left_out); /* only Linux can be asked */
    if (maps != NULL) fclose(maps);
    e5_token_free(token);
}

static const char *masked(const char *key, const char *before) {
    static char text[200];
    snprintf(text, sizeof text, "%s", before);
    e5_token_mask(key, text);
    return text;
}

TEST(it_is_masked_wherever_it_stands) {
    CHECK(strcmp(masked("secret", "a secret, secretsecret"), "a ***, ******") == 0);
    CHECK(strcmp(masked("secret", "secret"), "***") == 0);
    CHECK(strcmp(masked("abc", "abc"), "abc") == 0); /* too short to be a token */
    CHECK(strcmp(masked(NULL, "abc"), "abc") == 0);
}

int main(void) {
    RUN(the_line_is_ready_to_send);
    RUN(core_dumps_leave_it_out);
    RUN(it_is_masked_wherever_it_stands);
    return check_summary();
}
