"""What .NET projects install: NuGet packages, by the `dotnet` command."""
