/* bind/terminal.h - the terminal's part of awsbak.core.sys. */
#ifndef AB_BIND_TERMINAL_H
#define AB_BIND_TERMINAL_H

#include "bind/bind.h"

/* Add isatty, columns, write and read_password to the table on top of the stack. */
void ab_bind_terminal(lua_State *L);

#endif
