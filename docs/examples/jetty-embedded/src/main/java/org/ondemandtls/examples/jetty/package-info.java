/** A Jetty that is started from Java and obtains certificates on demand. */
@NullMarked
package org.ondemandtls.examples.jetty;

import org.jspecify.annotations.NullMarked;
