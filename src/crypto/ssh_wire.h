/* crypto/ssh_wire.h - SSH's data types (RFC 4251, section 5): strings and numbers behind lengths.
 */
#ifndef AB_CRYPTO_SSH_WIRE_H
#define AB_CRYPTO_SSH_WIRE_H

#include "base/buf.h"

/* Take a 32-bit number, a string, or a non-negative number without leading zeros off `rest`; false
 * when it is cut short or not in its one form. Slices point into `rest`. */
bool ab_ssh_wire_uint32(struct ab_slice *rest, uint32_t *value);
bool ab_ssh_wire_string(struct ab_slice *rest, struct ab_slice *string);
bool ab_ssh_wire_number(struct ab_slice *rest, struct ab_slice *number);

/* Append a string; append a number from its big-endian bytes. */
AB_MUST_USE bool ab_ssh_wire_add_string(struct ab_buf *out, struct ab_slice string,
                                        struct ab_err *err);
AB_MUST_USE bool ab_ssh_wire_add_number(struct ab_buf *out, struct ab_slice number,
                                        struct ab_err *err);

#endif
