/* Makes a conf: defaults < file < the file's section for ENVIRONMENT < environment variables <
 * command line. Errors are exact: file, line, key, what was found, what is allowed. */
#ifndef WSKEEP_CONFIG_LOAD_H
#define WSKEEP_CONFIG_LOAD_H

#include "config/conf.h"

/* A setting given on the command line. */
struct conf_override {
    const char *path;   /* "listen.address": of a setting that there is */
    const char *value;  /* as in an environment variable: no quotes, lists comma-separated */
    const char *origin; /* "--listen": for messages */
};

/* What settings come from; all of it the caller's. */
struct conf_sources {
    const char *file;         /* NULL: none */
    char *const *environment; /* "NAME=value", NULL at the end; NULL: none */
    const struct conf_override *overrides;
    unsigned n;
};

/* On success *out holds one reference, and `why` is empty. On failure a negative err, *out is as it
 * was, and `why` holds one line and nothing else, without a line break: "FILE:LINE: KEY: found X,
 * allowed is Y", or the same behind "--listen: " or the name of a variable. conf/README.md shows
 * one. notes, NULL where nobody asks: gets, one line each, what is no mistake and yet seldom meant;
 * of use on success only. */
int conf_load(const struct conf_sources *from, struct conf **out, struct strings *notes,
              struct buf *why);

/* The whole, as a conf file that gives the same settings again: plain JSON, without comments. */
void conf_print(const struct conf *c, struct buf *out);
void conf_example(struct buf *out);   /* conf/wskeep.conf: the defaults, with comments */
void conf_reference(struct buf *out); /* conf/README.md */

/* "host:port", "[v6]:port", ":port" (host "", which stands for any), "unix:PATH" of 1 to 107 bytes;
 * port 0 is the kernel's choice. A host is a name or an IP and is not looked up. 0, or ERR_SYNTAX
 * or ERR_RANGE: then *out is as it was. */
int address_parse(struct str text, struct address *out);
void address_fini(struct address *a);
/* Whether the peer (textual IP, no port; "" for a Unix peer) lies in one of the CIDRs; "*" holds
 * all; Unix peers always. */
bool trusted_peer(const struct strings *cidrs, const char *ip);
/* Whether the value of an Origin field is one of these (none: it is not). Ports compare after
 * defaults, scheme and host without case. */
bool origin_listed(const struct strings *list, struct str text);

#endif
