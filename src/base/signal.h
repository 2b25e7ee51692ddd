/* base/signal.h - the signal flag: posted by the host's handlers, taken by whoever waits.
 *
 * One of the two pieces of mutable global state (the other: the allocator's counters), because a
 * signal handler can reach nothing else. awsbak.so never posts: it installs no handlers. */
#ifndef AB_BASE_SIGNAL_H
#define AB_BASE_SIGNAL_H

/* Remember that `number` came; async-signal-safe. A number not yet taken is replaced. */
void ab_signal_post(int number);

/* The number that waits to be taken, or 0; it stays. */
int ab_signal_pending(void);

/* The number that waits, or 0; forgotten. */
int ab_signal_take(void);

/* A descriptor that polls readable while a number waits, so that a sleep cannot miss a signal that
 * came just before it; -1 while ab_signal_open() was not called or failed. Never read from it:
 * ab_signal_take() does. */
int ab_signal_fd(void);

/* Make the descriptor; once, by the host, before handlers are installed. */
void ab_signal_open(void);

#endif
