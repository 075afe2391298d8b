/* fault: what an answer that is not a success means.
 *
 * One place knows the error bodies of the service (type, title, detail, traceback) and turns them into an event of
 * net/lifecycle.h and a typed error.  Text of the service is cleaned and cut.  Any thread; nothing blocks. */
#ifndef E5_NET_FAULT_H
#define E5_NET_FAULT_H

#include <jansson.h>

#include "base/error.h"
#include "net/lifecycle.h"

/* An HTTP status other than 2xx with its body.  `service` and `dataset` may be NULL. */
enum e5_event e5_fault_reply(int http_status, const char *body, size_t size, const char *service, const char *dataset,
                             struct e5_error *err);
/* An error object of the service: the body of a reply, or the `results` of an unsuccessful job in the job list. */
enum e5_event e5_fault_object(int http_status, const json_t *object, const char *service, const char *dataset,
                              struct e5_error *err);

#endif
