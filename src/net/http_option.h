/* net/http_option.h - setting curl's options one after the other. */
#ifndef AB_NET_HTTP_OPTION_H
#define AB_NET_HTTP_OPTION_H

/* Of handle `easy`, unless `code` tells of an option that curl refused; only memory can be the
 * reason. */
#define AB_SET(option, value)                                                                      \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(easy, option, value);                                          \
    } while (0)

#endif
