/* Names what was counted. Counts nothing itself. Rates are of the measured time, CPU time is told
 * for each unit too: a message, or a cycle where sessions come and go. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *comma = "";

static void key_write(const char *key)
{
    printf("%s\"%s\":", comma, key);
    comma = ",";
}

void report_open(const char *key)
{
    key_write(key);
    putchar('{');
    comma = "";
}

void report_close(void)
{
    putchar('}');
    comma = ",";
}

void report_count(const char *key, uint64_t v)
{
    key_write(key);
    printf("%" PRIu64, v);
}

void report_number(const char *key, int decimals, double v)
{
    key_write(key);
    printf("%.*f", decimals, v);
}

static void report_asked(const struct load *l)
{
    key_write("mode");
    printf("\"%s\"", l->mode->name);
    report_count("conns", l->set.conns);
    report_count("opened", l->opened);
    report_count("inflight", l->set.inflight);
    report_count("size", l->set.size);
    report_number("seconds", 3, l->measured.seconds);
}

static void report_rates(const struct load *l)
{
    const struct counts *n = &l->counts;
    double seconds = l->measured.seconds;
    double connects = l->setup > 0 ? (double)l->opened / l->setup : 0;

    report_count("total_msgs", n->total);
    report_count("total_bytes", n->total_bytes);
    report_count("msgs", n->messages);
    report_number("msgs_s", 1, (double)n->messages / seconds);
    report_number("MB_s", 2, (double)n->bytes / seconds / 1e6);
    report_number("connects_s", 1, l->mode->cycles ? (double)n->cycles / seconds : connects);
    report_count("cycles", n->cycles);
}

static void report_times(const char *key, const struct hist *h)
{
    report_open(key);
    report_number("p50", 1, (double)hist_at(h, .5) / 1e3);
    report_number("p90", 1, (double)hist_at(h, .9) / 1e3);
    report_number("p99", 1, (double)hist_at(h, .99) / 1e3);
    report_number("p999", 1, (double)hist_at(h, .999) / 1e3);
    report_number("max", 1, (double)h->max / 1e3);
    report_close();
}

static void report_faults(const struct load *l)
{
    const struct counts *n = &l->counts;

    report_open("errors");
    report_count("connect", n->ends[CLIENT_FAILED]);
    report_count("handshake", n->ends[CLIENT_REFUSED]);
    report_count("protocol", n->ends[CLIENT_BREACH]);
    report_close();
    report_count("unexpected_closes", n->ends[CLIENT_CUT]);
    report_count("pings", n->pings);
    report_count("mismatches", n->damaged);
    report_count("lost", n->order.lost + l->outstanding);
    report_count("dup", n->order.duplicate);
    report_count("ooo", n->order.reordered);
}

static void report_unit(const char *key, const struct load *l, struct usage_cpu cpu)
{
    uint64_t units = l->mode->cycles ? l->counts.cycles : l->counts.messages;

    report_number(key, 4, units ? cpu.seconds * 1e6 / (double)units : 0);
}

static void report_cpu(const struct load *l)
{
    const struct measured *m = &l->measured;

    report_number("proxy_cpu_s", 4, m->proxy.seconds);
    report_number("proxy_cpu_stat_s", 2, m->proxy.user + m->proxy.system);
    report_number("proxy_user_s", 2, m->proxy.user);
    report_number("proxy_sys_s", 2, m->proxy.system);
    report_number("backend_cpu_s", 4, m->backend.seconds);
    report_number("load_cpu_s", 4, m->own.seconds);
    report_unit("proxy_us_per_unit", l, m->proxy);
    report_unit("backend_us_per_unit", l, m->backend);
    report_unit("load_us_per_unit", l, m->own);
}

static double each(const struct load *l, uint64_t before_kb, uint64_t after_kb)
{
    return l->opened ? ((double)after_kb - (double)before_kb) * 1024 / (double)l->opened : 0;
}

static void report_memory(const struct load *l)
{
    const struct usage_memory *before = &l->measured.before, *after = &l->measured.after;

    report_count("rss_start_kb", before->rss);
    report_count("rss_hold_kb", after->rss);
    report_count("rss_peak_kb", after->peak);
    report_count("pss_start_kb", before->pss);
    report_count("pss_hold_kb", after->pss);
    report_number("rss_per_conn", 1, each(l, before->rss, after->rss));
    report_number("pss_per_conn", 1, each(l, before->pss, after->pss));
    report_count("sockmem_start_kb", before->sockets);
    report_count("sockmem_hold_kb", after->sockets);
}

void report(const struct load *l)
{
    putchar('{');
    report_asked(l);
    report_rates(l);
    report_times("lat_us", &l->latency);
    report_times("handshake_us", &l->handshakes);
    report_faults(l);
    report_cpu(l);
    report_memory(l);
    if (l->mode->report)
        l->mode->report(l);
    puts("}");
}
