/* stream/armor.h - what both directions of age's armor share (C2SP age.md, "ASCII armor"). */
#ifndef AB_STREAM_ARMOR_H
#define AB_STREAM_ARMOR_H

#define AB_ARMOR_BEGIN "-----BEGIN AGE ENCRYPTED FILE-----"
#define AB_ARMOR_END "-----END AGE ENCRYPTED FILE-----"

enum { AB_ARMOR_LINE = 64, AB_ARMOR_LINE_BYTES = 48 };

#endif
