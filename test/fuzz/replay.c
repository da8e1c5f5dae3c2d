/* Runs a harness on every file of its corpus without libFuzzer, each also cut short in eighths, and
 * tells of it as cmocka does. The file that a crash is about is the last one named.
 *
 *     frame [FOLDER]      test/fuzz/corpus/frame unless another is named */
#include "base/buf.h"
#include "fuzz/input.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARES 8

/* Storage of its own, so that a sanitizer sees any reach beyond it. */
static void run(const uint8_t *data, size_t n)
{
    uint8_t *copy = mem_dup(data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static bool file_read(const char *folder, const char *name, struct buf *out)
{
    struct buf path = {0};
    buf_addf(&path, "%s/%s", folder, name);
    buf_add(&path, "", 1);
    FILE *f = fopen((const char *)path.data, "rb");
    buf_fini(&path);
    if (!f)
        return false;
    size_t got;
    do {
        got = fread(buf_room(out, 4096), 1, 4096, f);
        out->len += got;
    } while (got > 0);
    bool whole = !ferror(f);
    fclose(f);
    return whole;
}

static bool replay(const char *folder, const char *name)
{
    struct buf data = {0};
    printf("[ RUN      ] %s\n", name);
    fflush(stdout);
    bool good = file_read(folder, name, &data);
    for (size_t i = 1; good && i <= SHARES; i++)
        run(data.data, data.len * i / SHARES);
    printf("[%s] %s\n", good ? "       OK " : "  FAILED  ", name);
    buf_fini(&data);
    return good;
}

static int no_dot(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct buf folder = {0};
    struct dirent **files;
    int passed = 0;
    if (argc > 1)
        buf_adds(&folder, argv[1]);
    else
        buf_addf(&folder, "test/fuzz/corpus/%s", program_invocation_short_name);
    buf_add(&folder, "", 1);
    int n = scandir((const char *)folder.data, &files, no_dot, alphasort);
    if (n < 0) {
        perror((const char *)folder.data);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        passed += replay((const char *)folder.data, files[i]->d_name);
        free(files[i]);
    }
    printf("[==========] %d test(s) run.\n[  PASSED  ] %d test(s).\n", n, passed);
    if (passed < n)
        printf("[  FAILED  ] %d test(s), listed above.\n", n - passed);
    free(files);
    buf_fini(&folder);
    return n > 0 && passed == n ? 0 : 1;
}
