/* A folder of the test's own to stand in, and the conf file in it: w.conf. */
#ifndef TEST_CONFIG_FOLDER_H
#define TEST_CONFIG_FOLDER_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/wskeep-conf-XXXXXX";

static inline int enter_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static inline int leave_folder(void **state)
{
    (void)state;
    unlink("w.conf");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static inline void file_write_bytes(const void *bytes, size_t n)
{
    int fd = open("w.conf", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static inline void file_write(const char *text)
{
    file_write_bytes(text, strlen(text));
}

#endif
