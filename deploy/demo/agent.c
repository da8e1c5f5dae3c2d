/* The pretended chat agent: five events for each message.
 *
 * Three numbers let whoever listens find what is missing: `seq` counts within a run, `nth` on the
 * connection, `event` in the process. It owns the runs in progress; it never keeps anything beyond
 * the connection, as the applications that it stands for: whoever loses the connection loses the
 * run. */
#include "agent.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    struct run *next;
    uint64_t due;
    int seq;
    cJSON *message;
};

static const struct {
    const char *type, *key, *value;
} steps[] = {
    {"agent_started", "agent", "demo"},
    {"agent_thinking", "text", "Looking for the right tool"},
    {"tool_executing", "tool", "dictionary"},
    {"tool_completed", "tool", "dictionary"},
    {"agent_completed", "text", "That is done"},
};
#define STEPS ((int)(sizeof steps / sizeof *steps))

static uint64_t connections, events;

static void say(struct agent *a, cJSON *event)
{
    char *text = cJSON_PrintUnformatted(event);

    if (!text)
        abort();
    a->say(a->to, text);
    cJSON_free(text);
    cJSON_Delete(event);
}

static cJSON *event_new(const char *type)
{
    cJSON *event = cJSON_CreateObject();

    if (!cJSON_AddStringToObject(event, "type", type))
        abort();
    return event;
}

void agent_greet(struct agent *a)
{
    cJSON *event = event_new("connection_established");

    cJSON_AddNumberToObject(event, "backend", getpid());
    cJSON_AddNumberToObject(event, "connection", (double)++connections);
    cJSON_AddNumberToObject(event, "event", (double)events);
    say(a, event);
}

static void refuse(struct agent *a, const char *why)
{
    cJSON *event = event_new("error");

    cJSON_AddStringToObject(event, "text", why);
    say(a, event);
}

void agent_hear(struct agent *a, const char *text, size_t n, uint64_t now_ms)
{
    cJSON *message = cJSON_ParseWithLength(text, n);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, "type"));
    struct run **end = &a->runs;

    if (!type || strcmp(type, "user_message") != 0 || !cJSON_HasObjectItem(message, "id")) {
        cJSON_Delete(message);
        refuse(a, "expected {\"type\":\"user_message\",\"id\":...,\"text\":...}");
        return;
    }
    while (*end)
        end = &(*end)->next;
    *end = calloc(1, sizeof **end);
    if (!*end)
        abort();
    **end = (struct run){.due = now_ms, .message = message};
}

static void run_say(struct agent *a, struct run *r)
{
    static const char *const echoed[] = {"id", "thread_id"};
    cJSON *event = event_new(steps[r->seq].type);

    for (size_t i = 0; i < sizeof echoed / sizeof *echoed; i++) {
        cJSON *value = cJSON_GetObjectItemCaseSensitive(r->message, echoed[i]);

        if (value)
            cJSON_AddItemReferenceToObject(event, echoed[i], value);
    }
    cJSON_AddNumberToObject(event, "seq", ++r->seq);
    cJSON_AddNumberToObject(event, "nth", (double)++a->nth);
    cJSON_AddNumberToObject(event, "event", (double)++events);
    cJSON_AddStringToObject(event, steps[r->seq - 1].key, steps[r->seq - 1].value);
    say(a, event);
}

static void run_free(struct run *r)
{
    cJSON_Delete(r->message);
    free(r);
}

void agent_turn(struct agent *a, uint64_t now_ms, uint64_t delay_ms)
{
    struct run **at = &a->runs;

    while (*at) {
        struct run *r = *at;

        for (; r->seq < STEPS && r->due <= now_ms; r->due += delay_ms)
            run_say(a, r);
        if (r->seq < STEPS) {
            at = &r->next;
        } else {
            *at = r->next;
            run_free(r);
        }
    }
}

uint64_t agent_due(const struct agent *a)
{
    uint64_t due = UINT64_MAX;

    for (const struct run *r = a->runs; r; r = r->next)
        if (r->due < due)
            due = r->due;
    return due;
}

void agent_fini(struct agent *a)
{
    while (a->runs) {
        struct run *r = a->runs;

        a->runs = r->next;
        run_free(r);
    }
}
