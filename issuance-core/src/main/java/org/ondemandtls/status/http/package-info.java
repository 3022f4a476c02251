/** The management page, its JSON API and the figures, for whichever server carries them. */
@NullMarked
package org.ondemandtls.status.http;

import org.jspecify.annotations.NullMarked;
