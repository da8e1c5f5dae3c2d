/* Adds to the cells of one loop, and prints the sums of all as Prometheus' text format 0.0.4. Owns
 * nothing. Never stops a writer: what is printed is of slightly different moments. */
#include "base/metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef WSKEEP_VERSION
#define WSKEEP_VERSION "dev"
#endif

enum kind { COUNTER, GAUGE, COUNTER_MS, GAUGE_MS };
static const char *const kinds[] = {
    [COUNTER] = "counter", [GAUGE] = "gauge", [COUNTER_MS] = "counter", [GAUGE_MS] = "gauge"};
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

static const struct {
    enum metric now, ms;
} held_back[] = {
    [SIDE_CLIENT] = {METRIC_HELD_BACK_UP, METRIC_BACKPRESSURE_UP},
    [SIDE_BACKEND] = {METRIC_HELD_BACK_DOWN, METRIC_BACKPRESSURE_DOWN},
};

void metrics_turn(struct metrics *m, uint64_t now)
{
    for (unsigned side = 0; side < 2; side++) {
        uint64_t n = metrics_sum(&m, 1, held_back[side].now);

        if (n > 0)
            metric_add(m, held_back[side].ms, n * (now - m->held_back_at));
    }
    m->held_back_at = now;
}

void metric_hold_back(struct metrics *m, enum side from, bool on, uint64_t now)
{
    metrics_turn(m, now);
    metric_add(m, held_back[from].now, on ? 1 : UINT64_MAX);
}

#define CLOSE_FIRST 1000u
enum { CLOSE_3XXX = CLOSE_CODES - 2, CLOSE_4XXX };

void metric_close(struct metrics *m, enum side from, uint16_t code)
{
    unsigned i = code >= 4000 ? CLOSE_4XXX : code >= 3000 ? CLOSE_3XXX : code - CLOSE_FIRST;

    metric_store(&m->closes[from][i], 1);
}

void metric_reconnect(struct metrics *m, enum reason r, uint64_t ms)
{
    metric_store(&m->reconnects[r], 1);
    metric_observe(m, HISTOGRAM_HEADLESS, ms);
}

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

/* A moment's sum of a gauge may be below 0, since writers are not stopped. */
static void print_value(struct buf *out, enum kind kind, uint64_t sum)
{
    switch (kind) {
    case COUNTER:
        buf_addf(out, " %" PRIu64 "\n", sum);
        return;
    case GAUGE:
        buf_addf(out, " %" PRId64 "\n", (int64_t)sum);
        return;
    case COUNTER_MS:
    case GAUGE_MS:
        buf_addf(out, " %" PRIu64 ".%03" PRIu64 "\n", sum / 1000, sum % 1000);
        return;
    }
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
        print_value(out, row->kind, sum);
    }
}

/* All of them, that the first event is seen as one: a counter that appears with 1 has not risen. */
static void print_disconnects(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_disconnects_total";

    print_head(out, str_of(name), "counter",
               "Connections that ended, HTTP and WebSocket, by why: the word of the log.");
    for (unsigned side = 0; side < 2; side++)
        for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++)
            buf_addf(out, "%s{side=\"%s\",reason=\"%s\"} %" PRIu64 "\n", name, sides[side],
                     reasons[r].label, SUM(loops, n, disconnects[side][r]));
}

static void print_reconnects(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_reconnects_total";

    print_head(out, str_of(name), "counter",
               "Sessions that had lost their backend, by what came of it: ok, another connection "
               "to it; else why they ended without.");
    for (unsigned r = 0; r < REASON_COUNT; r++) {
        uint64_t sum = SUM(loops, n, reconnects[r]);

        if (sum || r == REASON_NONE || r == REASON_RECONNECT_WINDOW)
            buf_addf(out, "%s{result=\"%s\"} %" PRIu64 "\n", name,
                     r == REASON_NONE ? "ok" : reasons[r].label, sum);
    }
}

static void print_closes(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_closes_total";

    print_head(out, str_of(name), "counter",
               "Closes that came from that side, by their code; 1005: without one; 3xxx: "
               "libraries'; 4xxx: applications'.");
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < CLOSE_CODES; i++) {
            uint64_t sum = SUM(loops, n, closes[side][i]);
            char code[8] = "4xxx";

            if (i < CLOSE_4XXX)
                snprintf(code, sizeof code, i == CLOSE_3XXX ? "3xxx" : "%u", CLOSE_FIRST + i);
            if (sum)
                buf_addf(out, "%s{side=\"%s\",code=\"%s\"} %" PRIu64 "\n", name, sides[side], code,
                         sum);
        }
}

/* What the backend's failures look like from without: the first is to be seen as one. */
static bool is_trouble(unsigned code)
{
    return code >= 502 && code <= 504;
}

static void print_statuses(struct metrics *const *loops, unsigned n, struct buf *out)
{
    static const char name[] = "wskeep_http_requests_total";

    print_head(out, str_of(name), "counter", "HTTP requests by the status of their answer.");
    for (unsigned code = 0; code < STATUSES; code++) {
        uint64_t sum = SUM(loops, n, http_status[code]);

        if (code && (sum || is_trouble(code)))
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
    print_reconnects(loops, n, out);
    print_closes(loops, n, out);
    print_statuses(loops, n, out);
    for (unsigned id = 0; id < HISTOGRAM_COUNT; id++)
        print_histogram(loops, n, id, out);
}
