/** What survives: certificates, order journal and accounts, on disk. */
@NullMarked
package org.ondemandtls.store;

import org.jspecify.annotations.NullMarked;
