/* Every setting, one row each: what the loader, --print-config, conf/README.md and conf/wskeep.conf
 * all come from.
 *
 * To add a setting: a field in struct conf and a row in config/table.c (a new group needs a line
 * there too), then `make reference`. Internal to config/. */
#ifndef WSKEEP_CONFIG_TABLE_H
#define WSKEEP_CONFIG_TABLE_H

#include "base/buf.h"
#include "config/conf.h"
#include "config/quantity.h"
#include <stddef.h>

enum setting_type {
    SETTING_BIND,     /* struct address, to listen on */
    SETTING_DIAL,     /* struct address, to connect to */
    SETTING_DURATION, /* uint64_t, ms */
    SETTING_SIZE,     /* uint64_t, bytes */
    SETTING_COUNT,    /* uint64_t */
    SETTING_BOOL,     /* bool */
    SETTING_WORD,     /* unsigned, an index into `words` */
    SETTING_TEXT,     /* char *, anything in one line */
    SETTING_PATH,     /* char *, of a request of ours */
    SETTING_JSON,     /* char *, a JSON text in one line */
    SETTING_TEXTS,    /* struct strings: anything in one line */
    SETTING_NETWORKS, /* struct strings: CIDRs, single IPs, or "*" */
    SETTING_ORIGINS,  /* struct strings: scheme://host[:port], "*." may begin the host */
    SETTING_PLACES,   /* struct strings: beginnings of paths, and subprotocols */
    SETTING_CODES,    /* struct strings: of Closes, decimal; numbers in a file */
};

/* What a reload does to a setting. Name, what it means. */
#define RELOAD_MAP(X)                                                                              \
    X(LIVE, "live", "takes effect at once")                                                        \
    X(NEW, "new", "holds for new connections; those that are open keep what they began with")      \
    X(RESTART, "restart", "takes effect only when wskeep is started again")

enum reload {
#define X(id, ...) RELOAD_##id,
    RELOAD_MAP(X)
#undef X
        RELOAD_COUNT
};

struct setting {
    const char *path, *initial; /* `initial` as on a command line, and as it is printed */
    enum setting_type type;
    enum reload reload;
    size_t offset;            /* in struct conf */
    uint64_t least, most;     /* of a duration (ms), a size (bytes), a count, a code */
    const char *zero;         /* what 0, or the address or text "", stands for; NULL: not allowed
                                 (0 of a count is, where `least` is). A count is written as this word
                                 instead */
    const char *const *words; /* NULL at the end */
    const char *kept; /* an environment variable that deployments set already, beside the one that
                         the path gives; of an address it is the port alone. NULL: none */
    const char *doc;
};
extern const struct setting settings[];
extern const unsigned settings_count;

struct group {
    const char *path, *doc; /* "" is the top level */
};
extern const struct group groups[];
extern const unsigned groups_count;

const struct setting *setting_find(const char *path);
/* The environment variable that its path gives: "WSKEEP_LISTEN_ADDRESS". */
#define SETTING_PREFIX "WSKEEP_"
void setting_variable(const struct setting *s, struct buf *out);
struct str setting_group(const struct setting *s); /* "listen" of "listen.address"; "" at the top */
/* What stands for it in the object of `group`: "address" in "listen", "listen" in ""; empty where
 * it does not lie there. */
struct str setting_name(const struct setting *s, struct str group);
const struct group *group_find(struct str path);
/* What stands in a group, settings and groups: "interval, timeout, client or backend". */
void group_names(struct str path, struct buf *out);
/* The setting or group whose path is so near that a slip of the keyboard may have meant it, or
 * NULL. */
const char *setting_near(const char *path);

/* Parses `text` into the setting's field: 0, ERR_SYNTAX or ERR_RANGE, and then the field is as it
 * was. A list is comma-separated. bare_seconds: a duration may go without a unit. */
int setting_set(const struct setting *s, struct conf *c, struct str text, bool bare_seconds);
/* The port of an address that has one, whose host stays: 0, ERR_SYNTAX or ERR_RANGE. */
int setting_set_port(const struct setting *s, struct conf *c, struct str text);
bool setting_has_port(const struct setting *s, const struct conf *c); /* no Unix path, not "" */
/* A list, element by element: empties it; adds one. */
void setting_clear(const struct setting *s, struct conf *c);
int setting_add(const struct setting *s, struct conf *c, struct str element);
void setting_fini(const struct setting *s, struct conf *c);
/* Gives `to` the value that `from` has. */
void setting_copy(const struct setting *s, struct conf *to, const struct conf *from);

const struct unit *setting_units(const struct setting *s); /* of a duration or a size */
void setting_print(const struct setting *s, const struct conf *c, struct buf *out); /* JSON */
void setting_allowed(const struct setting *s, struct buf *out); /* "a size of 256KiB to 1GiB, …" */

/* The defaults, with one reference. */
struct conf *conf_new(void);

/* Writes the i-th of n alternatives behind the one before it: "a, b or c". */
void alternative_add(struct buf *out, unsigned i, unsigned n, struct str text);

#endif
