/*
 * A child for the tests of relay/edge/child.c: does what its first argument says.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_text(const char *text)
{
    uint8_t message[4 + 256] = {0};
    size_t len = strlen(text);
    message[3] = (uint8_t)len;
    memcpy(message + 4, text, len);
    if (write(3, message, 4 + len) < 0)
        exit(9);
}

static void send_descriptors(void)
{
    char text[200] = "";
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != dirfd(folder))
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.8s ", entry->d_name);
    }
    closedir(folder);
    send_text(text);
}

static void echo(void)
{
    static uint8_t buffer[1 << 16];
    ssize_t len;
    while ((len = read(3, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0, put; at < len; at += put) {
            if ((put = write(3, buffer + at, (size_t)(len - at))) <= 0)
                exit(9);
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    char byte;
    if (strcmp(what, "crash") == 0)
        return 3;
    if (strcmp(what, "descriptors") == 0)
        send_descriptors();
    if (strcmp(what, "long") == 0 && write(3, "\x7f\xff\xff\xff", 4) < 0)
        return 9;
    if (strcmp(what, "long") == 0)
        pause(); /* it is killed, whatever it finds on its descriptor meanwhile */
    if (strcmp(what, "talk") == 0)
        fprintf(stderr, "first line\nsecond \"line\"\nlast without end");
    if (strcmp(what, "deaf") == 0)
        pause();
    if (strcmp(what, "stubborn") == 0) {
        while (read(3, &byte, 1) > 0)
            ;
        pause(); /* stays although descriptor 3 was closed */
    }
    echo();
    return 0;
}
