/** A Spring Boot application that obtains certificates on demand. */
@NullMarked
package org.ondemandtls.examples.springboot;

import org.jspecify.annotations.NullMarked;
