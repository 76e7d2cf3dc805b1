"""Package managers of the JVM languages: Maven, Gradle and sbt."""
