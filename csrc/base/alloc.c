#include "base/alloc.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long countdown; /* > 0: allocations left until one fails */

void e5_alloc_fail_after(long n) { atomic_store(&countdown, n); }

static bool must_fail(void) {
    if (atomic_load_explicit(&countdown, memory_order_relaxed) <= 0) return false;
    return atomic_fetch_sub(&countdown, 1) == 1;
}

static enum e5_status no_memory(size_t count, size_t size, struct e5_error *err) {
    return e5_fail(err, E5_MEMORY, "cannot allocate %zu × %zu bytes", count, size);
}

/* `out_pointer` is the address of a pointer of any type; memcpy moves it without breaking aliasing rules. */
static void store(void *out_pointer, void *memory) { memcpy(out_pointer, &memory, sizeof memory); }

enum e5_status e5_alloc(size_t count, size_t size, void *out_pointer, struct e5_error *err) {
    void *memory = must_fail() ? NULL : calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    store(out_pointer, memory);
    return memory != NULL ? E5_OK : no_memory(count, size, err);
}

/* Of large memory the system is asked for large pages: filling it for the first time is then several times as fast.
 */
static void *plain(size_t size) {
    void *memory;
    if (size < E5_LARGE_BYTES) return malloc(size > 0 ? size : 1);
    if (posix_memalign(&memory, E5_LARGE_PAGE, size) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
}

enum e5_status e5_alloc_plain(size_t size, void *out_pointer, struct e5_error *err) {
    void *memory = must_fail() ? NULL : plain(size);
    store(out_pointer, memory);
    return memory != NULL ? E5_OK : no_memory(1, size, err);
}

enum e5_status e5_grow(size_t old_count, size_t new_count, size_t size, void *out_pointer, struct e5_error *err) {
    void *old;
    memcpy(&old, out_pointer, sizeof old);
    size_t bytes;
    if (new_count <= old_count) return E5_OK;
    if (__builtin_mul_overflow(new_count, size, &bytes) || must_fail()) return no_memory(new_count, size, err);
    char *memory = realloc(old, bytes);
    if (memory == NULL) return no_memory(new_count, size, err);
    memset(memory + old_count * size, 0, bytes - old_count * size);
    store(out_pointer, memory);
    return E5_OK;
}

enum e5_status e5_strdup(const char *text, char **out, struct e5_error *err) {
    size_t size = strlen(text) + 1;
    enum e5_status status = e5_alloc(size, 1, out, err);
    if (status == E5_OK) memcpy(*out, text, size);
    return status;
}

enum e5_status e5_multiply(size_t a, size_t b, size_t *out, struct e5_error *err) {
    if (!__builtin_mul_overflow(a, b, out)) return E5_OK;
    return e5_fail(err, E5_UNSAFE, "size %zu × %zu is larger than the address space", a, b);
}
