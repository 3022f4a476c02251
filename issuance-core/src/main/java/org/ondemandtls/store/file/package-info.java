/** Records in a directory that one process owns. */
@NullMarked
package org.ondemandtls.store.file;

import org.jspecify.annotations.NullMarked;
