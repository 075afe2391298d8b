/* py_http: how to reach the service, and with how much patience, out of Python dictionaries.
 *
 * Strict: a key that does not exist, a value of another type or out of range is an InputError that names it.  Texts
 * stay with the dictionary, which the caller keeps.  Needs the GIL; −1 with an exception set on failure. */
#ifndef E5PY_PY_HTTP_H
#define E5PY_PY_HTTP_H

#include "drive/fetch.h"
#include "python/state.h"

/* {"url", "key", "user_agent", "ca_file", "proxy", "insecure", "ip_version"}; also lets the core keep debug lines
 * when Python's logger wants them. */
int e5py_http_options(PyObject *module, PyObject *dict, struct e5_http_options *out);
/* {name: number} of any rows of fetch_settings.def; the others take their default. */
int e5py_settings(PyObject *module, PyObject *dict, struct e5_fetch_settings *out);

#endif
