#include "process.h"

#include "cli/ask.h"

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

static void test_answers(void **state)
{
    static char answer[1000], request[400];
    (void)state;
    tempdir_make(&dir);
    int listener = listen_here();
    memset(request, 'r', sizeof(request));
    for (size_t room = sizeof(answer); room > 200; room -= 400) {
        struct buf b = buf_make(answer, room);
        pid_t pid = serve(listener);
        int r = ask_master(path, slice_make(request, sizeof(request)), &b);
        assert_int_equal(r, room > 800 ? 0 : -EMSGSIZE);
        assert_int_equal(b.len, MIN(room, 800u));
        waitpid(pid, NULL, 0);
    }
    close(listener);
    tempdir_remove(&dir);
}

static void test_nobody(void **state)
{
    static char longer[200];
    char answer[10];
    struct buf b = buf_make(answer, sizeof(answer));
    (void)state;
    tempdir_make(&dir);
    memset(longer, 'x', sizeof(longer) - 1);
    assert_int_equal(ask_master("/nonexistent/socket", SLICE("x"), &b), -ENOENT);
    assert_int_equal(ask_master(longer, SLICE("x"), &b), -ENAMETOOLONG);
    close(listen_here());
    assert_int_equal(ask_master(path, SLICE("x"), &b), -ECONNREFUSED);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_nobody)};
    return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
