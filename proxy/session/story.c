/* The line that a session leaves: what became of it, in one. Changes nothing. */
#include "base/log.h"
#include "session/session_body.h"

/* The code of the Close that has been written to it; 0: none was. */
static uint16_t told(const struct leg *l)
{
    return l->said_close ? l->word : 0;
}

/* Where nothing is kept for another connection, the path is forgotten too. */
static struct str path(const struct session *s)
{
    return s->opening ? target_shown(opening_target(s->opening)) : STR("");
}

void session_tell(const struct session *s, uint64_t lived)
{
    const struct reason_row *row = &reasons[s->reason];
    const struct leg *client = &s->client, *backend = &s->backend;
    const struct leg_told *up = &backend->told, *down = &client->told;
    log_info("session_end", LOG_S("reason", row->label), LOG_S("by", reason_by[row->by]),
             LOG_MS("duration", lived), LOG_STR("path", path(s)),
             LOG_U("up_accepted", up->delivered + up->unproven + down->lost),
             LOG_U("up_delivered", up->delivered), LOG_U("up_unproven", up->unproven),
             LOG_U("up_lost", down->lost), LOG_U("up_bytes", s->up.end),
             LOG_U("down_accepted", down->delivered + down->unproven + up->lost),
             LOG_U("down_delivered", down->delivered), LOG_U("down_unproven", down->unproven),
             LOG_U("down_lost", up->lost), LOG_U("down_bytes", s->down.end),
             LOG_U("reconnects", s->reconnects), LOG_MS("headless", s->headless),
             LOG_U("client_code", client->code), LOG_U("client_told", told(client)),
             LOG_U("backend_code", backend->code), LOG_U("backend_told", told(backend)),
             LOG_TRACE(&s->trace, s->set->lp->conf->log.project));
}
