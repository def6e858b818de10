#include "support/process.h"

#include "cli/control_client.h"

static struct tempdir dir;
static char path[PATH_MAX];

static int listen_here(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    tempdir_path(&dir, "socket", path);
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

// A server that answers a request of its own end with the same, twice.
static pid_t serve(int listener)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid)
        return pid;
    char data[100000];
    size_t len = 0;
    ssize_t n;
    int fd = accept(listener, NULL, NULL);
    while ((n = read(fd, data + len, sizeof(data) - len)) > 0)
        len += (size_t)n;
    _exit(write(fd, data, len) != (ssize_t)len || write(fd, data, len) != (ssize_t)len);
}

TEST(test_answers)
{
    static char answer[1000], request[400];
    tempdir_make(&dir);
    pid_t server = 0;
    int listener = listen_here();
    memset(request, 'r', sizeof(request));
    for (size_t room = sizeof(answer); room > 200; room -= 400) {
        struct buf b = buf_make(answer, room);
        pid_t pid = serve(listener);
        int r = control_client_ask(path, slice_make(request, sizeof(request)), &b, &server);
        assert_int_equal(r, room > 800 ? 0 : -EMSGSIZE);
        assert_int_equal(b.len, MIN(room, 800u));
        assert_int_equal(server, getpid());
        waitpid(pid, NULL, 0);
    }
    close(listener);
    tempdir_remove(&dir);
}

TEST(test_nobody)
{
    static char longer[200];
    char answer[10];
    struct buf b = buf_make(answer, sizeof(answer));
    tempdir_make(&dir);
    memset(longer, 'x', sizeof(longer) - 1);
    assert_int_equal(control_client_ask("/nonexistent/socket", SLICE("x"), &b, NULL), -ENOENT);
    assert_int_equal(control_client_ask(longer, SLICE("x"), &b, NULL), -ENAMETOOLONG);
    close(listen_here());
    assert_int_equal(control_client_ask(path, SLICE("x"), &b, NULL), -ECONNREFUSED);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_nobody)};
    return cmocka_run_group_tests_name("control_client", tests, NULL, NULL);
}
