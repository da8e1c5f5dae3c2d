/* Makes a conf: defaults < file < command line. Errors are exact: file, line, key, what was found, what is allowed. */
#ifndef WSKEEP_CONFIG_LOAD_H
#define WSKEEP_CONFIG_LOAD_H

#include "config/conf.h"

/* A setting given on the command line. */
struct conf_override {
    const char *path;  /* "listen.address" */
    const char *value; /* as in an environment variable: no quotes, lists comma-separated */
    const char *origin; /* "--listen": for messages */
};

/* file NULL: none. On success *out holds one reference. On failure a negative err, and `why` holds one line (no
 * newline): "wskeep.conf:12: heartbeat.interval: found \"25 parsecs\", allowed is a duration of 1s to 1h, such as \"25s\"". */
int conf_load(const char *file, const struct conf_override *overrides, unsigned n, struct conf **out, struct buf *why);

void conf_print(const struct conf *c, struct buf *out);     /* the whole, as a conf file that gives the same settings again */
void conf_example(struct buf *out);                         /* conf/wskeep.conf: the defaults, with comments */
void conf_reference(struct buf *out);                       /* conf/README.md */

/* "host:port", "[v6]:port", ":port" (any host), "unix:PATH"; 0 or ERR_SYNTAX, ERR_RANGE. */
int address_parse(struct str text, struct address *out);
void address_fini(struct address *a);
/* Whether the peer (textual IP, no port; "" for a Unix peer) lies in one of the CIDRs; "*" holds all; Unix peers always. */
bool trusted_peer(const struct strings *cidrs, const char *ip);

#endif
