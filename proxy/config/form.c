/* The forms that texts among the settings have to have. Owns nothing. Never unescapes or changes
 * one. */
#include "config/form.h"

#include "config/scan.h"
#include <cjson/cJSON.h>
#include <string.h>

static bool is_token(struct str text)
{
    static const char marks[] = {"!#$%&'*+-.^_`|~"};
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i], small = (char)(c | 0x20);
        bool plain = (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z');
        if (!plain && !memchr(marks, c, sizeof(marks) - 1))
            return false;
    }
    return text.n > 0;
}

/* It is sent, or compared with what was: blanks, what is not ASCII, and fragments never are. */
bool form_path(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '#')
            return false;
    return text.n > 0 && text.p[0] == '/';
}

bool form_place(struct str text)
{
    return form_path(text) || is_token(text);
}

/* cJSON alone takes some of what JSON forbids; escapes it judges well. */
bool form_json(struct str text)
{
    if (!scan_is_value(text))
        return false;
    cJSON *value = cJSON_ParseWithLength(text.p, text.n);
    cJSON_Delete(value);
    return value != NULL;
}
