#include "host/line.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/alloc.h"
#include "bind/bind.h"

#define EDITOR "awsbak.line"

enum { PROMPT_MAX = 64, HISTORY_MAX = 1000 };

struct editor {
    lua_State *L;     /* borrowed, while read() runs: whom the tab key asks; else NULL */
    EditLine *line;   /* owned */
    History *history; /* owned */
    char *path;       /* owned; where the history is kept, or NULL */
    char prompt[PROMPT_MAX];
};

static char *prompt_of(EditLine *line)
{
    struct editor *self;

    el_get(line, EL_CLIENTDATA, &self);
    return self->prompt;
}

/* The places of read()'s arguments on its stack. */
enum { ARG_EDITOR = 1, ARG_PROMPT, ARG_COMPLETE };

/* In a protected call: ask complete(text up to the cursor) and do in the line what it says. */
static int complete_word(lua_State *L)
{
    struct editor *self = lua_touserdata(L, 2);
    const LineInfo *info = el_line(self->line);

    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, info->buffer, (size_t)(info->cursor - info->buffer));
    lua_call(L, 1, 3);
    lua_Integer erase = lua_tointeger(L, 3);
    const char *insert = lua_tostring(L, 4);
    const char *shown = lua_tostring(L, 5);
    if (erase > 0)
        el_deletestr(self->line, (int)erase);
    if (insert && *insert)
        el_insertstr(self->line, insert);
    if (shown) {
        fprintf(stdout, "\n%s", shown);
        fflush(stdout);
    }
    lua_pushboolean(L, shown != NULL);
    return 1;
}

/* The tab key. What goes wrong in a completion leaves the line as it was. */
static unsigned char on_tab(EditLine *line, wint_t key)
{
    struct editor *self;

    (void)key;
    el_get(line, EL_CLIENTDATA, &self);
    lua_State *L = self->L;
    if (!lua_checkstack(L, LUA_MINSTACK) || !lua_isfunction(L, ARG_COMPLETE))
        return CC_ERROR;
    lua_pushcfunction(L, complete_word);
    lua_pushvalue(L, ARG_COMPLETE);
    lua_pushlightuserdata(L, self);
    bool is_listed = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_listed ? CC_REDISPLAY : CC_REFRESH;
}

static void load_history(struct editor *self)
{
    HistEvent event;

    /* Made before libedit opens it, so that it is never readable by others. */
    int fd = open(self->path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return; /* a prompt without a past is better than none */
    fchmod(fd, S_IRUSR | S_IWUSR);
    close(fd);
    history(self->history, &event, H_LOAD, self->path);
}

static bool start(struct editor *self)
{
    HistEvent event;

    self->history = history_init();
    self->line = self->history ? el_init("awsbak", stdin, stdout, stderr) : NULL;
    if (!self->line)
        return false;
    el_set(self->line, EL_CLIENTDATA, self);
    el_set(self->line, EL_PROMPT, prompt_of);
    el_set(self->line, EL_EDITOR, "emacs");
    el_set(self->line, EL_SIGNAL, 1); /* the terminal is put right before our handler runs */
    el_set(self->line, EL_HIST, history, self->history);
    /* The wide form: el_set() copies the two texts and never frees them. */
    el_wset(self->line, EL_ADDFN, L"awsbak-complete", L"complete the word", on_tab);
    el_set(self->line, EL_BIND, "^I", "awsbak-complete", NULL);
    history(self->history, &event, H_SETSIZE, HISTORY_MAX);
    history(self->history, &event, H_SETUNIQUE, 1);
    if (self->path)
        load_history(self);
    return true;
}

/* line.open(history_path|nil) -> editor | nil, err */
static int line_open(lua_State *L)
{
    const char *path = luaL_optstring(L, 1, NULL);
    struct editor *self = ab_bind_object(L, sizeof *self, EDITOR, 0);
    struct ab_err err;

    if (path) {
        self->path = ab_strdup(path);
        if (!self->path) {
            ab_fail_memory(&err);
            return ab_bind_fail(L, &err);
        }
    }
    if (start(self))
        return 1;
    ab_fail(&err, AB_IO, "terminal", "cannot use this terminal for editing lines");
    return ab_bind_fail(L, &err);
}

static struct editor *check_editor(lua_State *L)
{
    struct editor *self = luaL_checkudata(L, ARG_EDITOR, EDITOR);

    luaL_argcheck(L, self->line, 1, "editor is closed");
    return self;
}

/* editor:read(prompt[, complete]) -> text without its newline | nil, "end"|"interrupted"
 *
 * complete(text up to the cursor) -> how many characters before the cursor go away, what is written
 * in their place, and lines to be shown below the line, or nil. */
static int editor_read(lua_State *L)
{
    struct editor *self = check_editor(L);
    int count = 0;

    snprintf(self->prompt, sizeof self->prompt, "%s", luaL_checkstring(L, ARG_PROMPT));
    self->L = L;
    errno = 0;
    const char *text = el_gets(self->line, &count);
    self->L = NULL;
    if (!text || count <= 0) {
        lua_pushnil(L);
        lua_pushstring(L, count < 0 && errno == EINTR ? "interrupted" : "end");
        return 2;
    }
    size_t len = (size_t)count;
    lua_pushlstring(L, text, len - (text[len - 1] == '\n'));
    return 1;
}

/* editor:remember(text): one entry of the history, which may have several lines */
static int editor_remember(lua_State *L)
{
    struct editor *self = check_editor(L);
    HistEvent event;

    history(self->history, &event, H_ENTER, luaL_checkstring(L, 2));
    return 0;
}

/* editor:close(), __gc, __close: save the history, leave the terminal as it was */
static int editor_close(lua_State *L)
{
    struct editor *self = luaL_checkudata(L, 1, EDITOR);
    HistEvent event;

    if (self->history && self->path)
        history(self->history, &event, H_SAVE, self->path);
    if (self->line)
        el_end(self->line);
    if (self->history)
        history_end(self->history);
    ab_free(self->path);
    memset(self, 0, sizeof *self);
    return 0;
}

int ab_line_module(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__gc", editor_close},
        {"__close", editor_close},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"read", editor_read},
        {"remember", editor_remember},
        {"close", editor_close},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", line_open}, {NULL, NULL}};

    ab_bind_class(L, EDITOR, meta, methods);
    luaL_newlib(L, functions);
    return 1;
}
