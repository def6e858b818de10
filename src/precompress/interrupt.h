// Being told to end: HUP, INT and TERM are remembered, and the work looks for them at every step,
// so that it can take its temporary files away.
#pragma once

// From now on these signals only set what interrupt_seen() returns. One that was ignored (nohup)
// stays so. A pipe that nobody reads and a file beyond RLIMIT_FSIZE are errors of write(2).
void interrupt_init(void);

// The first such signal, 0: none. Safe from any thread.
int interrupt_seen(void);

// Ends the process by that signal, as if it had not been held up. Returns if there was none.
void interrupt_finish(void);
