/* Reads a conf file and has cJSON make a tree of it. Owns the text and the tree; knows no settings.
 */
#include "config/document.h"

#include "base/err.h"
#include "config/scan.h"
#include "config/text.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct str text_of(const struct document *d)
{
    return (struct str){(const char *)d->text.data, d->text.len};
}

static int fd_read(int fd, struct buf *out)
{
    const size_t step = 16384;
    while (out->len <= DOCUMENT_MAX) {
        ssize_t n = read(fd, buf_room(out, step), step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
    }
    return ERR_TOO_LARGE;
}

static int file_read(const char *file, struct buf *out, struct buf *why)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 ? -errno : fd_read(fd, out);
    if (fd >= 0)
        close(fd);
    if (err == ERR_TOO_LARGE)
        buf_addf(why, "%s: found more than 1MiB, allowed is a conf file of at most 1MiB", file);
    else if (err < 0)
        buf_addf(why, "%s: cannot be read: %s", file, err_text(err));
    return err;
}

static int refuse(const struct document *d, const struct scan_fault *f, struct buf *why)
{
    buf_addf(why, "%s:%u: found ", d->file, scan_line(text_of(d), f->at));
    if (f->quote)
        text_found(f->found, why);
    else
        buf_add(why, f->found.p, f->found.n);
    buf_addf(why, ", allowed is %s", f->allowed);
    return ERR_SYNTAX;
}

static int parse(struct document *d, struct buf *why)
{
    struct scan_fault fault;
    if (!scan_blank((char *)d->text.data, d->text.len, &fault) || !scan_check(text_of(d), &fault))
        return refuse(d, &fault, why);

    const char *end = NULL;
    d->root = cJSON_ParseWithLengthOpts(text_of(d).p, d->text.len, &end, false);
    if (d->root)
        return 0;
    fault = (struct scan_fault){.at = (size_t)(end - text_of(d).p),
                                .found = STR("an escape that JSON does not have"),
                                .allowed = "\\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t or \\uXXXX"};
    return refuse(d, &fault, why);
}

int document_init(struct document *d, const char *file, struct buf *why)
{
    *d = (struct document){.file = file};
    int err = file_read(file, &d->text, why);
    if (err == 0)
        err = parse(d, why);
    if (err < 0)
        document_fini(d);
    return err;
}

void document_fini(struct document *d)
{
    cJSON_Delete(d->root);
    d->root = NULL;
    buf_fini(&d->text);
}

/* Counts the values that come before `value` in the order of the text; true where it was met. */
static bool count_to(const cJSON *at, const cJSON *value, unsigned *n)
{
    if (at == value)
        return true;
    ++*n;
    for (const cJSON *child = at->child; child; child = child->next)
        if (count_to(child, value, n))
            return true;
    return false;
}

unsigned document_line(const struct document *d, const cJSON *value)
{
    unsigned nth = 0;
    BUG_ON(!count_to(d->root, value, &nth));
    return scan_line(text_of(d), scan_value(text_of(d), nth));
}
