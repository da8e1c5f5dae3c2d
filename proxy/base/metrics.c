/* Adds to the cells of one loop, and prints the sums of all as Prometheus' text format 0.0.4. Owns
 * nothing. Never stops a writer: what is printed is of slightly different moments. */
#include "base/metrics.h"

#include "base/log.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef WSKEEP_VERSION
#define WSKEEP_VERSION "dev"
#endif

enum kind { COUNTER, GAUGE };
static const char *const kinds[] = {[COUNTER] = "counter", [GAUGE] = "gauge"};
static const char *const sides[] = {[SIDE_CLIENT] = "client", [SIDE_BACKEND] = "backend"};

static const struct metric_row {
    const char *name, *labels, *help;
    enum kind kind;
} metric_rows[METRIC_COUNT] = {
#define X(id, name, kind, labels, help) [METRIC_##id] = {name, labels, help, kind},
    METRIC_MAP(X)
#undef X
};

static const struct histogram_row {
    const char *name, *help;
    double bound[HISTOGRAM_BOUNDS]; /* seconds */
} histogram_rows[HISTOGRAM_COUNT] = {
#define X(id, name, help, ...) [HISTOGRAM_##id] = {name, help, {__VA_ARGS__}},
    HISTOGRAM_MAP(X)
#undef X
};

#define STATUSES (sizeof((struct metrics *)0)->http_status / sizeof(_Atomic uint64_t))

void metric_disconnect(struct metrics *m, enum side side, enum reason r)
{
    metric_store(&m->disconnects[side][r], 1);
}

/* A backend may answer with any three digits: 600 and above are counted in cell 0. */
void metric_http(struct metrics *m, unsigned status, uint64_t ms)
{
    metric_store(&m->http_status[status < STATUSES ? status : 0], 1);
    metric_observe(m, HISTOGRAM_HTTP_DURATION, ms);
}

void metric_observe(struct metrics *m, enum histogram id, uint64_t ms)
{
    unsigned i = 0;

    while (i < HISTOGRAM_BOUNDS && (double)ms > histogram_rows[id].bound[i] * 1000)
        i++;
    metric_store(&m->histogram[id].bucket[i], 1);
    metric_store(&m->histogram[id].sum_ms, ms);
}

/* The sum of the cell that lies at this offset in each loop's metrics. */
static uint64_t sum_at(struct metrics *const *loops, unsigned n, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        const void *cell = (const char *)loops[i] + offset;
        sum += atomic_load_explicit((const _Atomic uint64_t *)cell, memory_order_relaxed);
    }
    return sum;
}
#define SUM(loops, n, member) sum_at(loops, n, offsetof(struct metrics, member))

uint64_t metrics_sum(struct metrics *const *loops, unsigned n, enum metric id)
{
    return SUM(loops, n, cell[id]);
}

static void print_head(struct buf *out, struct str name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %.*s %s\n", (int)name.n, name.p, help);
    buf_addf(out, "# TYPE %.*s %s\n", (int)name.n, name.p, type);
}

static void print_cells(struct metrics *const *loops, unsigned n, struct buf *out)
{
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        const struct metric_row *row = &metric_rows[id];
        uint64_t sum = metrics_sum(loops, n, id);

        if (*row->help)
            print_head(out, str_of(row->name), kinds[row->kind], row->help);
        buf_adds(out, row->name);
        if (*row->labels)
            buf_addf(out, "{%s}", row->labels);
        if (row->kind == GAUGE)
            buf_addf(out, " %" PRId64 "\n", (int64_t)sum);
        else
            buf_addf(out, " %" PRIu64 "\n", sum);
    }
}

static void print_disconnects(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_disconnects_total";

    print_head(out, str_of(name), "counter", "Connections that ended, by why.");
    for (unsigned side = 0; side < 2; side++)
        for (unsigned r = 0; r < REASON_COUNT; r++) {
            uint64_t sum = SUM(loops, n, disconnects[side][r]);

            if (sum)
                buf_addf(out, "%s{side=\"%s\",reason=\"%s\"} %" PRIu64 "\n", name, sides[side],
                         reasons[r].label, sum);
        }
}

static void print_statuses(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_http_requests_total";

    print_head(out, str_of(name), "counter", "HTTP requests by the status of their answer.");
    for (unsigned code = 0; code < STATUSES; code++) {
        uint64_t sum = SUM(loops, n, http_status[code]);

        if (sum && code)
            buf_addf(out, "%s{code=\"%u\"} %" PRIu64 "\n", name, code, sum);
        else if (sum)
            buf_addf(out, "%s{code=\"other\"} %" PRIu64 "\n", name, sum);
    }
}

/* A histogram's name in the table may carry labels: name{label="value"}. */
struct split {
    struct str name, labels;
};

static struct split split(const char *name)
{
    size_t n = strcspn(name, "{"), rest = strlen(name) - n;

    return (struct split){{name, n}, {name + n + (rest ? 1 : 0), rest ? rest - 2 : 0}};
}

static void print_bucket(struct buf *out, struct split s, const char *bound, uint64_t sum)
{
    buf_addf(out, "%.*s_bucket{%.*s%sle=\"%s\"} %" PRIu64 "\n", (int)s.name.n, s.name.p,
             (int)s.labels.n, s.labels.p, s.labels.n ? "," : "", bound, sum);
}

static void print_histogram(struct metrics *const *loops, unsigned n, enum histogram id,
                            struct buf *out)
{
    const struct histogram_row *row = &histogram_rows[id];
    struct split s = split(row->name);
    uint64_t ms = SUM(loops, n, histogram[id].sum_ms), count = 0;
    const char *labels = row->name + s.name.n;

    if (*row->help)
        print_head(out, s.name, "histogram", row->help);
    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        char bound[32] = "+Inf";

        if (i < HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof bound, "%g", row->bound[i]);
        count += SUM(loops, n, histogram[id].bucket[i]);
        print_bucket(out, s, bound, count);
    }
    buf_addf(out, "%.*s_sum%s %" PRIu64 ".%03" PRIu64 "\n", (int)s.name.n, s.name.p, labels,
             ms / 1000, ms % 1000);
    buf_addf(out, "%.*s_count%s %" PRIu64 "\n", (int)s.name.n, s.name.p, labels, count);
}

void metrics_print(struct metrics *const *loops, unsigned n, struct buf *out)
{
    print_cells(loops, n, out);
    print_disconnects(loops, n, out);
    print_statuses(loops, n, out);
    for (unsigned id = 0; id < HISTOGRAM_COUNT; id++)
        print_histogram(loops, n, id, out);
    print_head(out, STR("wskeep_log_dropped_total"), "counter",
               "Log lines dropped at a full ring.");
    buf_addf(out, "wskeep_log_dropped_total %" PRIu64 "\n", log_dropped());
    print_head(out, STR("wskeep_build_info"), "gauge", "The version that runs.");
    buf_addf(out, "wskeep_build_info{version=\"%s\"} 1\n", WSKEEP_VERSION);
}
