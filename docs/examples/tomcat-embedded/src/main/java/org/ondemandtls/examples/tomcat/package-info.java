/** A Tomcat that is started from Java and obtains certificates on demand. */
@NullMarked
package org.ondemandtls.examples.tomcat;

import org.jspecify.annotations.NullMarked;
