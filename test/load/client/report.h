/* What came of a run, as one line of JSON on stdout. */
#ifndef LOAD_CLIENT_REPORT_H
#define LOAD_CLIENT_REPORT_H

#include "load.h"

void report(const struct load *l);

/* For what a mode alone has to tell. */
void report_open(const char *key);
void report_close(void);
void report_count(const char *key, uint64_t v);
void report_number(const char *key, int decimals, double v);

#endif
