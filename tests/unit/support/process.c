#include "process.h"

#include "daemon/fetch.h"

int redirect_stderr(const struct tempdir *d)
{
    char path[PATH_MAX];
    int saved = dup(STDERR_FILENO);
    int fd = open(tempdir_path(d, "log", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return saved;
}

void restore_stderr(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
}

struct tempdir logged_dir;
static int stderr_before_logged_dir;

int logged_dir_enter(void **state)
{
    (void)state;
    tempdir_make(&logged_dir);
    stderr_before_logged_dir = redirect_stderr(&logged_dir);
    return 0;
}

int logged_dir_leave(void **state)
{
    (void)state;
    restore_stderr(stderr_before_logged_dir);
    tempdir_remove(&logged_dir);
    return 0;
}

bool log_has(const struct tempdir *d, const char *text)
{
    char got[16384];
    tempdir_read(d, "log", got, sizeof(got));
    return strstr(got, text);
}

void await_log(const struct tempdir *d, const char *text)
{
    char got[16384];
    for (struct wait w = {0}; !log_has(d, text) && wait_on(&w);)
        ;
    tempdir_read(d, "log", got, sizeof(got));
    if (strstr(got, text))
        return;
    print_message("no \"%s\" in the log:\n%s", text, got); // to stdout: stderr is that log
    fail();
}
// Started and not seen end.
static pid_t servers[4];

pid_t started(pid_t pid)
{
    for (size_t i = 0; pid > 0 && i < ARRAY_SIZE(servers); i++) {
        if (servers[i] == 0) {
            servers[i] = pid;
            break;
        }
    }
    return pid;
}

void ended(pid_t pid)
{
    for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
        if (servers[i] == pid)
            servers[i] = 0;
}

void end_started(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
        if (servers[i] == 0)
            continue;
        kill(servers[i], SIGQUIT);
        waitpid(servers[i], NULL, 0);
        servers[i] = 0;
    }
}

int await_exit(pid_t pid)
{
    int status;
    pid_t got;
    struct wait w = {0};
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && wait_on(&w))
        ;
    if (got != pid)
        fail_msg("process %d does not end", (int)pid);
    ended(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int connect_to(const struct tempdir *d)
{
    char path[PATH_MAX];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    assert_true(strlen(tempdir_path(d, "socket", path)) < sizeof(to.sun_path));
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

// Sends one request that asks for the end of the connection; its whole answer, static.
static const char *fetch(const struct tempdir *d, const char *path)
{
    static char got[16384];
    size_t len = 0;
    int fd = connect_to(d);
    assert_true(fd >= 0);
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 1;
    while (n > 0 && len < sizeof(got) - 1) {
        assert_int_equal(poll(&p, 1, PATIENCE), 1);
        n = read(fd, got + len, sizeof(got) - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    got[len] = '\0';
    close(fd);
    return got;
}

void assert_fetched(const struct tempdir *d, const char *path, const char *want)
{
    const char *got = fetch(d, path);
    const char *content = strstr(got, "\r\n\r\n");
    if (!content || strcmp(content + 4, want) != 0)
        fail_msg("%s gave \"%s\"", path, got);
}

void await_fetched(const struct tempdir *d, const char *path, const char *want)
{
    for (struct wait w = {0}; wait_on(&w);) {
        const char *content = strstr(fetch(d, path), "\r\n\r\n");
        if (content && strcmp(content + 4, want) == 0)
            return;
    }
    assert_fetched(d, path, want);
}

void await_logged(const struct tempdir *d, const char *path, const char *name)
{
    for (struct wait w = {.pause = 20000}; !file_has(d, name, path);) {
        fetch(d, path);
        if (!wait_on(&w))
            fail_msg("no line of \"%s\"", path);
    }
}

bool file_has(const struct tempdir *d, const char *name, const char *text)
{
    char path[PATH_MAX], *line = NULL;
    size_t size = 0;
    bool has = false;
    FILE *f = fopen(tempdir_path(d, name, path), "re");
    assert_non_null(f);
    while (!has && getline(&line, &size, f) >= 0)
        has = strstr(line, text);
    free(line);
    fclose(f);
    return has;
}

struct generation *fetch_generation(struct generation_maker *maker, unsigned id, struct conf *conf,
                                    struct generation *previous, bool *ret_usable)
{
    struct fetched f;
    assert_int_equal(fetched_init(&f, conf, maker->keep_ids, FETCHED_LOG_OPEN), 0);
    assert_int_equal(fetch_and_wait(&f, PATIENCE), 0);
    return generation_new(maker, id, &f, previous, ret_usable);
}
