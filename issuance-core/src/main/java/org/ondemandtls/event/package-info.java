/** What happened, as values: counted, limited in rate and handed to the server's own log. */
@NullMarked
package org.ondemandtls.event;

import org.jspecify.annotations.NullMarked;
