/* The registrar, as a child: where it listens, and what it says it saw. */
#define _GNU_SOURCE
#include "lab_registrar.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    pid_t pid;
    int to;
    FILE *from;
    unsigned marks;
} registrar;

static struct {
    int plain, tls;
} ports;

/* {"port":N,"tls":M} or {"port":N,"no_tls":"why"}. */
static int read_ports(const char *line)
{
    static char why_not[128];

    if (sscanf(line, "{\"port\":%d,\"tls\":%d}", &ports.plain, &ports.tls) == 2)
        return 1;
    lab.no_tls = why_not;
    return sscanf(line, "{\"port\":%d,\"no_tls\":\"%127[^\"]", &ports.plain,
                  why_not) == 2;
}

static void child_start(const char *path)
{
    int in[2], out[2];
    char line[256];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        lab_die("pipe", 0);
    registrar.pid = fork();
    if (registrar.pid == 0) {
        /* The library under test belongs to this program alone. */
        unsetenv("LD_PRELOAD");
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execlp("python3", "python3", "-B", path, SENDS_UNASKED ? "unasked" : (char *)NULL,
               (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    registrar.to = in[1];
    registrar.from = fdopen(out[0], "r");
    if (!fgets(line, sizeof(line), registrar.from) ||
        !read_ports(line))
        lab_die("registrar", 0);
}

void registrar_start(const char *path)
{
    ports.plain = atoi(path);
    if (ports.plain)
        lab.no_tls = "a foreign registrar";
    else
        child_start(path);
    if (!PJSIP_HAS_TLS_TRANSPORT)
        lab.no_tls = "this pjproject has no TLS";
}

int registrar_is_ours(void)
{
    return registrar.pid > 0;
}

int lab_port(const char *transport)
{
    return strcmp(transport, "tls") == 0 ? ports.tls : ports.plain;
}

void registrar_stop(void)
{
    if (registrar.pid <= 0)
        return;
    close(registrar.to);
    waitpid(registrar.pid, NULL, 0);
    fclose(registrar.from);
}

const char *lab_wire(void)
{
    static char text[1 << 18];
    char mark[48];
    size_t used = 0;

    if (registrar.pid <= 0)
        return "";
    snprintf(mark, sizeof(mark), "mark %u\n", ++registrar.marks);
    if (write(registrar.to, mark, strlen(mark)) < 0)
        return "";
    snprintf(mark, sizeof(mark), "{\"mark\":\"%u\"}\n", registrar.marks);
    text[0] = '\0';
    while (used + 1 < sizeof(text) &&
           fgets(text + used, (int)(sizeof(text) - used), registrar.from)) {
        if (strcmp(text + used, mark) == 0)
            break;
        used += strlen(text + used);
    }
    text[used] = '\0';
    lab.over_tls += lab_count(text, "\"over\":\"tls\"");
    return text;
}

int lab_count(const char *text, const char *word)
{
    int count = 0;
    while ((text = strstr(text, word)) != NULL) {
        ++count;
        text = strchr(text, '\n');
        if (!text)
            break;
    }
    return count;
}
