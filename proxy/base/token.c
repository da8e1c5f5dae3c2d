/* Random bytes and digests: the one file of base that knows OpenSSL. Owns nothing. OpenSSL's
 * failures end here: without random bytes there is nothing left to do safely. */
#include "base/token.h"

#include "base/buf.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES  16 /* RFC 6455 §4.1 */
#define SHA1_BYTES 20
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 §1.3 */

static void check(int ok, const char *what)
{
    if (ok == 1)
        return;
    fprintf(stderr, "wskeep: OpenSSL has no %s\n", what);
    abort();
}

/* Fetched once: OpenSSL 3 looks an algorithm up at every use of EVP_sha1(), which takes longer than
 * the digest. */
static const EVP_MD *sha1;

static void fetch(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    check(sha1 != NULL, "SHA-1");
}

void token_accept(const char *key, size_t n, char out[TOKEN_ACCEPT_LEN + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct buf text;

    pthread_once(&once, fetch);
    buf_init(&text);
    buf_add(&text, key, n);
    buf_adds(&text, guid);
    check(EVP_Digest(text.data, text.len, digest, NULL, sha1, NULL), "SHA-1");
    EVP_EncodeBlock((unsigned char *)out, digest, SHA1_BYTES);
    buf_fini(&text);
}

void token_key(char out[25])
{
    unsigned char raw[KEY_BYTES];

    token_random(raw, sizeof raw);
    EVP_EncodeBlock((unsigned char *)out, raw, sizeof raw);
}

void token_random(void *out, size_t n)
{
    check(n <= INT_MAX ? RAND_bytes(out, (int)n) : 0, "random bytes");
}
