/* host/signals.h - signals and the deadline of the run.
 *
 * The first SIGINT, SIGTERM, SIGHUP, SIGPIPE of standard output or end of --timeout is posted
 * (base/signal.h): the scheduler cancels what runs at its next await. Lua code that does not await
 * is stopped by a hook after a short while. A second signal ends the process at once. */
#ifndef AB_HOST_SIGNALS_H
#define AB_HOST_SIGNALS_H

#include <lua.h>

/* Install the handlers; `L` is the main state. Of the signals that end a run, those ignored by our
 * parent stay ignored. */
void ab_signals_start(lua_State *L);

/* Let handlers forget the coroutines of `L` when it is closed, by us or by os.exit(). Raises. */
void ab_signals_stop_at_close(lua_State *L);

/* Remember `co` as the coroutine that runs now; returns the one before. A hook reaches just one
 * coroutine, so the handler must know which. */
lua_State *ab_signals_running(lua_State *co);

/* package.preload entry of awsbak.core.host:
 *   host.signalled() -> number of the signal that ends the run, or nil; from now on it stops no
 *                    code, so that the end can be told in peace
 *   host.rearm()     forget it (the prompt goes on after Ctrl-C)
 *   host.deadline(seconds)  SIGALRM then, and the end of the process 10 s later; 0: no deadline
 *   host.finish(code) -> code to exit with, once standard output is flushed; says what was lost */
int ab_signals_module(lua_State *L);

#endif
