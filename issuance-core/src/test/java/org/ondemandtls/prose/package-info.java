/** What operators read is written in short sentences. */
@NullMarked
package org.ondemandtls.prose;

import org.jspecify.annotations.NullMarked;
