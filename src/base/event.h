// The kinds of event that the journal can be asked for: what is worth an alarm, a count or a look
// back. Not each line of the log is one.
//
// The table is the one place for them: the log takes level, name and id from it, and the manual and
// the journal's catalog are made of it. An id is never given to another kind.
#pragma once

// X(ID, level, name, message id, what it means and what to do)
#define EVENT_TABLE(X)                                                                             \
    X(READY, INFO, "ready", "161d61b3108b4f77a5bdd5878c30fc87",                                    \
      "Every worker of a generation serves: after a start, a reload, an upgrade, or because a "    \
      "root leads elsewhere. Nothing needs to be done.")                                           \
    X(START_FAILED, ERR, "start-failed", "854921e5335c492ba5ac263d2401c043",                       \
      "The master cannot start. The message names the cause; lines before it may say more.")       \
    X(CONFIG_INVALID, ERR, "config-invalid", "4e41f82dde9d4c588575255447fe4759",                   \
      "The configuration cannot be used. The message names file, line and remedy. A server that "  \
      "runs goes on with the old one. Try a new one before it is used: tined check.")              \
    X(ROOT_FAILED, ERR, "root-failed", "a8c057c77b8448799f26f449d457ac19",                         \
      "A directory that a site is served from cannot be opened. See that it exists, that the "     \
      "user of the workers may enter it, and that the unit does not hide it (ProtectHome=, "       \
      "TemporaryFileSystem=).")                                                                    \
    X(ROOT_SILENT, WARN, "root-silent", "7e26e772b2584283a0be9c5eec2615ed",                        \
      "The file system of a directory that a site is served from does not answer. The site is "    \
      "answered with 503 from the next start or reload on, until it does. See the server of the "  \
      "mount, or the process behind it (FUSE).")                                                   \
    X(LISTENER_FAILED, ERR, "listener-failed", "2db94d24f1bd4e8799a4d3d0bd3e4e3b",                 \
      "A socket cannot be listened on. The message names the place of the option and the cause: "  \
      "the process that holds the address, or the permission that is missing.")                    \
    X(RELOAD_FAILED, ERR, "reload-failed", "b046ef79390b4cf8a8c2b8f73bd3656c",                     \
      "The new configuration was not taken; the old generation serves on, and no connection was "  \
      "harmed. Lines before this one say what is wrong. Mend it and reload again.")                \
    X(ROOT_SWAPPED, INFO, "root-swapped", "e274a7f7911a4b5ab965b6aa43a05ee3",                      \
      "A root is a link that leads to another directory now (a deploy), or it does not answer "    \
      "any more, or does again. A generation that knows of it takes over.")                        \
    X(GENERATION_CUT, WARN, "generation-cut", "12386a277e2f4a5b8c336708d85eeeb7",                  \
      "There were so many reloads that the oldest generation was ended although some of its "      \
      "answers were not sent yet. Reload less often.")                                             \
    X(DRAINING, INFO, "draining", "c02bad57a6dd440cad18c482728a06dc",                              \
      "Balancers are told at /readyz to go elsewhere, until a reload succeeds or the server "      \
      "stops.")                                                                                    \
    X(STOPPING, INFO, "stopping", "e497ffcd6c094c2e8b9ed691508f35b1",                              \
      "The server was told to stop. Answers under way are finished, at the latest after "          \
      "timeouts.drain.")                                                                           \
    X(ANSWERS_CUT, WARN, "answers-cut", "0a7182e8c9174c26ba7e7b243eca4e52",                        \
      "A worker ended although some answers were not sent yet: their clients have a part. "        \
      "timeouts.drain allows more time.")                                                          \
    X(WORKER_DIED, WARN, "worker-died", "0b9270d725194eafabd44deaa152b9e5",                        \
      "A worker ended without being told to; another takes its place. The message names the "      \
      "cause and the requests that it was working on. A signal such as SEGV is a bug: please "     \
      "report it, with the core if there is one (coredumpctl). KILL may come from the kernel "     \
      "when memory runs out.")                                                                     \
    X(WORKER_HANGS, ERR, "worker-hangs", "eda891a82e54474a92131443b92dc58a",                       \
      "A loop of a worker has not moved for timeouts.watchdog; the worker is ended and replaced. " \
      "The message says which request it was working on. Often a disk or a network file system "   \
      "does not answer.")                                                                          \
    X(WORKER_UNRULY, ERR, "worker-unruly", "81763dd928874113a0f60eed9dacfef4",                     \
      "A worker sent the master what no worker sends: a malformed message, one out of turn, or "   \
      "more than 32 in a second. It was ended, and another takes its place. Somebody may have "    \
      "taken it over: look at the requests that it was working on, and please report it.")         \
    X(WORKER_LEFT, ERR, "worker-left", "c02e8cb8ae99485bb648eefbe82efa78",                         \
      "A worker does not end, for it waits in the kernel for a file system that does not answer. " \
      "Another took its place. The process ends when the file system answers, or is unmounted by " \
      "force (umount -f).")                                                                        \
    X(LISTENER_RESTORED, WARN, "listener-restored", "54dc96cd7b8144c582309a502b6d688c",            \
      "Options of a listener were not what they were when the server got it, and are set back. "   \
      "No worker does that: somebody may have taken one over. Look at the lines before this one.") \
    X(LISTENER_SPOILT, ERR, "listener-spoilt", "9004a9f241854185bb8746840970c182",                 \
      "A listener was changed in a way that cannot be set back, such as a filter that is "         \
      "locked; somebody may have taken a worker over. One that the server has bound is replaced "  \
      "by another on the same address. One that a socket unit passes in is served on, but a "      \
      "reload or a start refuses it: restart that unit and the service together.")                 \
    X(WORKER_FAILED, ERR, "worker-failed", "8eeca88842ad46fcacbafa3c653a2d1c",                     \
      "No process could be made for a worker. See TasksMax=, LimitNPROC= and the memory; it is "   \
      "tried again.")                                                                              \
    X(WORKER_REPLACED, INFO, "worker-replaced", "d938701b80be4e3782c0894f3e8f7873",                \
      "A worker has served as many requests, or as long, as limits.worker_requests or "            \
      "limits.worker_age says; its connections are handed to others.")                             \
    X(CONNECTIONS_LOST, WARN, "connections-lost", "7dd445ac10fe4e10aec7280623ef1669",              \
      "Of the connections that workers handed over on a reload, an upgrade or a replacement, "     \
      "some came to no other worker; their clients see them closed, or no answer. A worker "       \
      "that has died meanwhile may have had them, or one that somebody has taken over.")           \
    X(LOG_LOSES, WARN, "log-loses", "2a156bf9832d4a48891079f0be223077",                            \
      "The access log cannot take lines: the disk is full, or nobody reads the pipe fast enough. " \
      "Requests are answered on. Make room, or have tined reopen a log elsewhere.")                \
    X(LOG_WORKS, WARN, "log-works", "902fb2985ea14c18afce60dfc1bb4802",                            \
      "The access log takes lines again. The message says how many were lost.")                    \
    X(UPGRADE_BEGUN, INFO, "upgrade-begun", "c9e94d88b02740fda64fbf9a98256f3a",                    \
      "The program has proven that it can take over, and is executed in the place of the "         \
      "running one.")                                                                              \
    X(UPGRADE_REFUSED, ERR, "upgrade-refused", "f05ef213793a42aca79ac6952bdcfb73",                 \
      "The program did not prove that it can take over; the running one goes on unharmed. Lines "  \
      "before this one may say why.")                                                              \
    X(UPGRADE_FAILED, ERR, "upgrade-failed", "21ea4e4946334ecb81010bb20db183b8",                   \
      "The new program has taken over but could not start, or could not be executed; the server "  \
      "goes on with the old one.")

enum event {
    EVENT_NONE,
#define X(id, level, name, message_id, meaning) EVENT_##id,
    EVENT_TABLE(X)
#undef X
};

// Further facts about an event, or about another line. All zero: none.
struct event_fields {
    unsigned generation; // 0: unknown
    unsigned worker;     // number in its generation; known only with the pid
    int pid;             // of the worker; 0: unknown
    int error;           // errno, positive; 0: none
    const char *site;    // the directory or name of a site; NULL: none
};
