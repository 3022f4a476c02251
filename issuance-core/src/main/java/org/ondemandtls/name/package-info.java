/** What arrives from outside, as types that prove it was checked: server names and ClientHellos; uses the JDK only. */
@NullMarked
package org.ondemandtls.name;

import org.jspecify.annotations.NullMarked;
