/* The rules about a server that is lost or not there yet, and what is kept for its return. Owns
 * nothing. */
#include "config/quantity.h"
#include "config/rules.h"
#include "config/table.h"

static bool reconnects(const struct subject *s)
{
    return s->c->reconnect.window > 0;
}

static bool answers(const struct subject *s)
{
    return *s->c->answer.of.field != '\0';
}

enum verdict judge_proof(const struct subject *s, struct finding *f)
{
    return reconnects(s) ? judge_pinged(s, f) : SILENT;
}

enum verdict judge_preamble(const struct subject *s, struct finding *f)
{
    if (!reconnects(s) || s->c->reconnect.state != STATE_PREAMBLE)
        return SILENT;
    buf_addu(&f->saw, s->c->reconnect.preamble);
    buf_adds(&f->value, "1");
    return verdict(s->c->reconnect.preamble > 0);
}

enum verdict judge_answers(const struct subject *s, struct finding *f)
{
    if (!answers(s))
        return SILENT;
    see_duration(f, s->c->reconnect.window, "");
    mend_duration(f, 60 * SECOND);
    return verdict(reconnects(s));
}

enum verdict judge_questions(const struct subject *s, struct finding *f)
{
    if (!answers(s))
        return SILENT;
    setting_print(setting_find("answer.of.values"), s->c, &f->saw);
    buf_adds(&f->saw, " and ");
    setting_print(setting_find("answer.by.values"), s->c, &f->saw);
    return verdict(s->c->answer.of.values.n > 0 && s->c->answer.by.values.n > 0);
}

enum verdict judge_total(const struct subject *s, struct finding *f)
{
    const uint64_t least = 2 * s->c->buffer.session;
    quantity_print(quantity_sizes, s->c->buffer.total, &f->saw);
    buf_adds(&f->saw, " and 2 x ");
    quantity_print(quantity_sizes, s->c->buffer.session, &f->saw);
    buf_adds(&f->value, "\"");
    quantity_print(quantity_sizes, least, &f->value);
    buf_adds(&f->value, "\"");
    return verdict(s->c->buffer.total >= least);
}

/* Half of it leaves room for the answer. */
enum verdict judge_wait(const struct subject *s, struct finding *f)
{
    const bool balancer = s->kept < s->request;
    const uint64_t wait = s->c->readiness.wait, patience = balancer ? s->kept : s->request;
    const uint64_t advised = 30 * SECOND, half = patience / 2;
    see_duration(f, wait, " and ");
    if (balancer)
        see_kept(s, f);
    else
        see_request(s, f);
    mend_duration(f, half < advised ? half : advised);
    return verdict(wait < patience);
}
