/** What survives: certificates, the order journal, holds and secrets; once, over any medium. */
@NullMarked
package org.ondemandtls.store;

import org.jspecify.annotations.NullMarked;
