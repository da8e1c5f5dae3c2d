/* wskeep --check: whether the settings fit each other and the path around wskeep, rule by rule. A
 * conf in, findings out. */
#ifndef WSKEEP_CONFIG_CHECK_H
#define WSKEEP_CONFIG_CHECK_H

#include "config/conf.h"

/* Id, the word for it. */
#define RESULT_MAP(X)                                                                              \
    X(OK, "ok")                                                                                    \
    X(WARN, "warn") /* true, and worth knowing: it breaks nothing by itself */                     \
    X(FAIL, "fail") /* it ends, or refuses, what should go on */

enum result {
#define X(id, ...) RESULT_##id,
    RESULT_MAP(X)
#undef X
        RESULT_COUNT
};

struct rule; /* config/rules.h */

struct finding {
    const struct rule *rule;
    enum result result;
    struct buf saw; /* the values */
    struct buf
        value; /* of the change that mends it: JSON for a conf, else bare; empty: leave it out */
    bool mendable; /* whether there is one that can be named */
};

struct check {
    struct finding *v; /* of each rule that has something to judge, in the order of the rules */
    unsigned n;
    const char *environment; /* the caller's */
};

/* origins: which pages may connect, empty: any; NULL: not to be judged. environment: the value of
 * ENVIRONMENT, or NULL. Both must outlive the check. */
void check_init(struct check *k, const struct conf *c, const struct strings *origins,
                const char *environment);
void check_fini(struct check *k);
unsigned check_count(const struct check *k, enum result result);
void check_print(const struct check *k, struct buf *out); /* a table */
void check_json(const struct check *k, struct buf *out);  /* one line */

#endif
