/* bind/json.h - pieces of bind/json.c for bindings that read JSON themselves.
 *
 * They use upvalues 1 and 2 of the running C function: the metatable of lists and the null value,
 * as ab_json_upvalues pushes them. */
#ifndef AB_BIND_JSON_H
#define AB_BIND_JSON_H

#include "bind/bind.h"
#include "wire/json.h"

#define AB_JSON_ARRAY_MT lua_upvalueindex(1)
#define AB_JSON_NULL_VALUE lua_upvalueindex(2)
#define AB_JSON_BUFFER lua_upvalueindex(3) /* of ab_json_writer_encode alone */

/* Push the metatable of lists and the null value of this state. */
void ab_json_upvalues(lua_State *L);

/* Push the text of a key or string token, its escapes undone. */
void ab_json_push_text(lua_State *L, const struct ab_json_token *token);

/* Push a number that is no 64-bit integer; false when it is beyond a double's range. */
bool ab_json_push_number(lua_State *L, struct ab_slice text, struct ab_err *err);

/* Push the value that begins with `token`, whatever it is, reading on to its end. */
bool ab_json_push_value(lua_State *L, struct ab_json *json, struct ab_json_token *token,
                        struct ab_err *err);

/* json.encode(value) -> text | nil, err (kind usage, code "utf8"); keys sorted bytewise. Raises for
 * what JSON cannot say: functions, non-finite numbers, lists with holes, cycles. */
int ab_json_writer_encode(lua_State *L);

/* Push the buffer in which it writes: its third upvalue. */
void ab_json_writer_push(lua_State *L);

#endif
