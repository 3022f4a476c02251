/** Records in a database that any number of servers share. */
@NullMarked
package org.ondemandtls.store.jdbc;

import org.jspecify.annotations.NullMarked;
